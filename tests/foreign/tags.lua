-- FIMpad tags in Neovim without a plugin, against the real server over stdio.
--
-- nvim --headless -u NONE -l tags.lua FIMD SETTINGS NOTE
--
-- NOTE is a text file with an invalid tag and one that generates. SETTINGS names
-- a model server. Prints the buffer on success, else fails with a reason.

local fimd, settings, note = unpack(arg)

-- The test waits this long only when the server hangs.
local PATIENCE_MS = 60000

local function check(holds, what)
  if not holds then
    error(what, 0)
  end
end

local function wait(what, done)
  check(vim.wait(PATIENCE_MS, done, 5), 'waited in vain for ' .. what)
end

local function lines()
  return vim.api.nvim_buf_get_lines(0, 0, -1, true)
end

vim.o.swapfile = false
vim.cmd.edit(note)
vim.bo.filetype = 'text'
local ended
local finished = {}
local client = vim.lsp.get_client_by_id(assert(vim.lsp.start({
  name = 'fimd',
  cmd = { fimd, '--settings', settings },
  root_dir = vim.fs.dirname(note),
  handlers = {
    ['$/progress'] = function(_, params)
      if params.value.kind == 'end' then
        table.insert(finished, params.value.message)
      end
    end,
  },
  on_exit = function(code)
    ended = code
  end,
})))
wait('initialize', function()
  return client.initialized or ended
end)

wait('diagnostics', function()
  return #vim.diagnostic.get(0) > 0
end)
local found = vim.diagnostic.get(0)[1]
check(found.message:find('unknown function', 1, true), found.message)
check(found.lnum == 0 and found.severity == vim.diagnostic.severity.ERROR, vim.inspect(found))

-- Puts the cursor on the tag of the second line.
local buffer = vim.api.nvim_get_current_buf()
vim.api.nvim_win_set_cursor(0, { 2, lines()[2]:find('[[[', 1, true) + 2 })
local place = vim.lsp.util.make_position_params(0, client.offset_encoding)
local hover = client:request_sync('textDocument/hover', place, PATIENCE_MS, buffer)
check(hover.result.contents.value:find('up to 9 tokens', 1, true), vim.inspect(hover))

place.range = { start = place.position, ['end'] = place.position }
place.context = { diagnostics = {} }
local actions = client:request_sync('textDocument/codeAction', place, PATIENCE_MS, buffer)
local action
for _, one in ipairs(actions.result) do
  action = one.title == 'Generate here' and one or action
end
check(action, vim.inspect(actions))
client:exec_cmd(action.command, { bufnr = buffer })
-- Types above the tag, below it, and before it in its line while it runs. Neovim
-- answers that it has applied edits that came too late, but it has not.
local typed = 0
wait('the end of the run', function()
  if typed < 20 then
    typed = typed + 1
    vim.api.nvim_buf_set_lines(0, 0, 0, true, { typed .. ' above' })
    vim.api.nvim_buf_set_lines(0, -1, -1, true, { typed .. ' below' })
    local row = typed + 1
    vim.api.nvim_buf_set_text(0, row, 0, row, 0, { 'x' })
  end
  return #finished > 0
end)
check(finished[1] == 'stopped by "END"', finished[1])

vim.diagnostic.reset()
client:stop()
wait('the end', function()
  return ended
end)
check(ended == 0, 'exit code ' .. ended)
io.stdout:write(table.concat(lines(), '\n'), '\n')
