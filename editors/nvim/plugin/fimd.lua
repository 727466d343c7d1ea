--- Commands and `<Plug>` mappings. They load the plugin when one is first used.

if vim.g.loaded_fimd then
  return
end
vim.g.loaded_fimd = true

vim.api.nvim_create_user_command('Fimd', function(command)
  require('fimd.command').run(command)
end, {
  nargs = '+',
  desc = 'fimd: completion and FIMpad tags',
  complete = function(lead, line)
    return require('fimd.command').complete(lead, line)
  end,
})

for _, action in ipairs({
  'accept',
  'accept-line',
  'accept-word',
  'apply',
  'complete',
  'dismiss',
  'generate',
  'interrupt',
  'next',
  'paste',
  'previous',
  'repeat',
}) do
  vim.keymap.set({ 'n', 'i' }, ('<Plug>(fimd-%s)'):format(action), function()
    require('fimd.keymaps').act((action:gsub('-', '_')))
  end, { desc = 'fimd: ' .. action })
end
