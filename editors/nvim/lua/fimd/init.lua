--- fimd in Neovim: completion that knows the project, and FIMpad tags.
---
--- Call `require('fimd').setup{}`; `:help fimd` explains the rest.

local config = require('fimd.config')
local context = require('fimd.context')
local dataset = require('fimd.dataset')
local ghost = require('fimd.ghost')
local highlight = require('fimd.highlight')
local keymaps = require('fimd.keymaps')
local model_state = require('fimd.model_state')
local native = require('fimd.native')
local read_ahead = require('fimd.read_ahead')
local server = require('fimd.server')
local status = require('fimd.status')
local switch = require('fimd.switch')
local tags = require('fimd.tags')

local M = {}

local is_native = false

server.handlers['workspace/applyEdit'] = tags.apply_edit
--- The warning about the settings, and whether the user was told. The servers of all
--- projects have the same settings file, and each of them warns.
local warning, is_warned

server.handlers['fimd/settingsChanged'] = function(_, params, context)
  if params.warning ~= warning then
    warning, is_warned = params.warning, false
  end
  model_state.set_settings(context.client_id, params.settings)
  if server.config().apply_style then
    highlight.style(params.settings.editor)
  end
end
server.handlers['window/showMessage'] = function(_, params)
  -- LSP's message types: 1 is an error, 2 a warning.
  local levels = { vim.log.levels.ERROR, vim.log.levels.WARN }
  local message = params.message:gsub('^fimd: ', '')
  if message == warning then
    if is_warned then
      return vim.NIL
    end
    is_warned = true
  end
  vim.notify('fimd: ' .. message, levels[params.type] or vim.log.levels.INFO)
  return vim.NIL
end
server.commands = tags.commands()

server.on_attach(function(buf, client)
  model_state.attach(buf, client)
  if not client.server_capabilities.inlineCompletionProvider then
    return
  end
  read_ahead.attach(buf)
  if not is_native then
    ghost.attach(buf)
  elseif server.is_completed(buf) then
    native.attach(client, switch.snoozed() == nil)
  end
end)
server.on_end(function(client_id, how)
  model_state.forget(client_id)
  tags.server_ended(client_id, how)
  dataset.server_ended(client_id, how)
end)

--- Shows or hides completions after a snooze has begun or ended.
local function follow_snooze()
  local is_snoozed = switch.snoozed() ~= nil
  for _, buf in ipairs(vim.api.nvim_list_bufs()) do
    local client = is_native and server.is_completed(buf) and server.client(buf)
    if client then
      native.attach(client, not is_snoozed)
    elseif is_snoozed then
      ghost.dismiss(buf)
    end
  end
  vim.cmd.redrawstatus({ bang = true })
end

--- Sets fimd up; `:help fimd-options` lists the options. A second call starts
--- over.
---@param options table?
function M.setup(options)
  if vim.fn.has('nvim-0.10') == 0 then
    error('fimd: setup: needs Neovim 0.10 or newer', 0)
  end
  local wanted = config.read(options)
  is_native = wanted.native and native.is_there()
  if wanted.native and not is_native then
    vim.notify_once(
      'fimd: `native`: this Neovim has no inline completion of its own (0.12 has); '
        .. "fimd's is used",
      vim.log.levels.WARN
    )
  end
  ghost.clear()
  highlight.setup()
  tags.setup()
  dataset.setup()
  switch.setup(wanted.disabled_projects)
  server.setup(wanted)
  keymaps.set(config.keys(wanted))
end

--- Turns fimd on or off. When it is off, no server runs and no buffer is attached.
--- With `what`, turns it on or off for a file type, for the "project" of the current
--- buffer, or for this "buffer". Turning it on ends a snooze.
---@param on boolean?
---@param what string?
function M.enable(on, what)
  if not server.config() then
    error('fimd: call require("fimd").setup() first', 0)
  end
  if on ~= false and switch.wake() then
    follow_snooze()
  end
  if what then
    local buf = vim.api.nvim_get_current_buf()
    switch.set(what, on ~= false, buf, server.root(buf))
    for _, other in ipairs(vim.api.nvim_list_bufs()) do
      if server.why_not(other) then
        ghost.detach(other)
      end
      server.refresh(other)
    end
  else
    if on == false then
      ghost.clear()
    end
    server.enable(on ~= false)
  end
  vim.cmd.redrawstatus({ bang = true })
end

--- Keeps completions from coming by themselves for some `minutes`, 5 by default. 0
--- lets them come again.
---@param minutes number?
function M.snooze(minutes)
  minutes = minutes or switch.SNOOZE_MINUTES
  if minutes > 0 then
    switch.snooze(minutes, follow_snooze)
  else
    switch.wake()
  end
  follow_snooze()
end

--- Stops the servers and starts them again.
function M.restart()
  ghost.clear()
  server.restart_all()
end

--- Asks for a completion at the cursor. Starts insert mode first if needed.
function M.complete()
  local buf = vim.api.nvim_get_current_buf()
  local why = is_native and 'not with `native`: Neovim asks by itself' or ghost.complete(buf)
  if why then
    vim.notify('fimd: ' .. why, vim.log.levels.WARN)
  end
end

--- Accepts what is shown, or its first word or line.
---@param part ('all'|'word'|'line')?
---@return boolean # whether something was shown
function M.accept(part)
  local buf = vim.api.nvim_get_current_buf()
  if is_native then
    return (part or 'all') == 'all' and native.accept(buf)
  end
  return ghost.accept(buf, part or 'all')
end

--- Hides what is shown.
---@return boolean # whether something was shown
function M.dismiss()
  local buf = vim.api.nvim_get_current_buf()
  local is_visible = ghost.visible(buf) ~= nil
  ghost.dismiss(buf)
  return is_visible
end

--- Shows another completion, `step` (1) further.
---@param step integer?
---@return boolean # whether something was shown
function M.cycle(step)
  local buf = vim.api.nvim_get_current_buf()
  if is_native then
    native.cycle(buf, step or 1)
    return true
  end
  return ghost.cycle(buf, step or 1)
end

--- The shown text that is not in the buffer yet.
---@param buf integer? default the current one
---@return string?
function M.visible(buf)
  return ghost.visible(buf or vim.api.nvim_get_current_buf())
end

M.get_context = context.get
M.get_context_now = context.get_now
M.show_context = context.show
M.generate = tags.generate
M.interrupt = tags.interrupt
M.repeat_last = tags.repeat_last
M.paste = tags.paste
M.apply = tags.apply
M.dataset = dataset.start
M.cancel_dataset = dataset.cancel
M.status = status.show
M.statusline = model_state.statusline
M.log = status.show_log

return M
