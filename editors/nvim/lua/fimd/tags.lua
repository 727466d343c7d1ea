--- FIMpad tags: the actions at the cursor, and applying the server's edits to
--- buffers.
---
--- The server streams what it generates as versioned `workspace/applyEdit`
--- requests. The edits of one run become one step of undo, unless the user edits
--- the buffer in between.

local cursor = require('fimd.cursor')
local ghost = require('fimd.ghost')
local server = require('fimd.server')
local undo = require('fimd.undo')

local M = {}

local CLOSED = 'the document is not open'
local CHANGED = 'the document has changed'

---@class fimd.Run
---@field client_id integer
---@field token string? the server's name of the run, once it runs
---@field step integer? the sequence number of the buffer's history after the last edit

--- The running tags, by buffer.
---@type table<integer, fimd.Run>
local runs = {}

local function say(message, level)
  vim.notify('fimd: ' .. message, level or vim.log.levels.INFO)
end

--- Whether a tag runs in a buffer.
---@param buf integer
---@return boolean
function M.is_running(buf)
  return runs[buf] ~= nil
end

local function ended(buf)
  runs[buf] = nil
  ghost.pause(buf, false)
end

--- Asks the server to execute a command in a buffer. If that starts a run, the
--- answer names it, and the run lasts until its progress ends.
---@param buf integer
---@param command lsp.Command
function M.execute(buf, command)
  if runs[buf] then
    say('a tag is being run in this buffer; `:Fimd interrupt` stops it', vim.log.levels.WARN)
    return
  end
  server.when_ready(buf, function(client, why)
    if not client then
      say(why, vim.log.levels.ERROR)
      return
    end
    local run = { client_id = client.id }
    runs[buf] = run
    ghost.pause(buf, true)
    server.request(buf, client, 'workspace/executeCommand', {
      command = command.command,
      arguments = command.arguments,
    }, function(err, answer)
      if runs[buf] ~= run then
        return
      end
      if err then
        say(err.message, vim.log.levels.ERROR)
      end
      run.token = type(answer) == 'table' and answer.run_id or nil
      if not run.token then
        ended(buf)
      end
    end)
  end)
end

local function on_progress(event)
  local params = event.data.params
  for buf, run in pairs(runs) do
    if run.token == params.token and run.client_id == event.data.client_id then
      ended(buf)
    end
  end
end

--- Forgets the runs of a server that has ended.
---@param client_id integer
---@param how string
function M.server_ended(client_id, how)
  for buf, run in pairs(runs) do
    if run.client_id == client_id then
      ended(buf)
      say('the tag was not run to its end: the server has ended: ' .. how, vim.log.levels.ERROR)
    end
  end
end

--- Follows the progress of runs.
function M.setup()
  vim.api.nvim_create_autocmd('LspProgress', {
    group = vim.api.nvim_create_augroup('fimd.tags', {}),
    pattern = 'end',
    callback = on_progress,
  })
end

--- Asks the server to execute a command at the cursor.
---@param name string
local function execute_here(name)
  local buf = vim.api.nvim_get_current_buf()
  local row, column = cursor.place()
  local position = { line = row, character = column }
  local arguments = { { uri = vim.uri_from_bufnr(buf), position = position } }
  M.execute(buf, { title = '', command = name, arguments = arguments })
end

--- Generates in the place of the FIM tag at the cursor, or applies the config tag
--- there.
function M.generate()
  execute_here('fimd.tags.generate')
end

--- Generates at the cursor what the last tag asked for.
function M.repeat_last()
  execute_here('fimd.tags.repeat')
end

--- Inserts the last tag at the cursor.
function M.paste()
  execute_here('fimd.tags.paste')
end

--- Applies the settings of the config tag at the cursor.
function M.apply()
  execute_here('fimd.tags.applySettings')
end

--- Stops the running tag of the current buffer. The setting `keep_partial` of the
--- server decides whether the text so far stays.
function M.interrupt()
  local run = runs[vim.api.nvim_get_current_buf()]
  local client = run and run.token and vim.lsp.get_client_by_id(run.client_id)
  if client then
    server.call(client, 'notify', 'window/workDoneProgress/cancel', { token = run.token })
  else
    say('no tag is being run in this buffer')
  end
end

--- Commands of the server that Neovim executes through `execute` when the user
--- chooses them as code actions or lenses.
---@return table<string, fun(command: lsp.Command, context: table)>
function M.commands()
  local commands = {}
  for _, name in ipairs({ 'generate', 'repeat', 'paste', 'validate', 'applySettings' }) do
    commands['fimd.tags.' .. name] = function(command, context)
      M.execute(context.bufnr, command)
    end
  end
  return commands
end

--- Why the edits of a document cannot be applied, if so, and its buffer.
local function check(change, client_id)
  local document = change.textDocument
  if change.kind or not document then
    return 'only edits of open documents are made'
  end
  local buf = vim.uri_to_bufnr(document.uri)
  if not vim.api.nvim_buf_is_loaded(buf) or not vim.lsp.buf_is_attached(buf, client_id) then
    return CLOSED
  end
  if not vim.bo[buf].modifiable then
    return 'the buffer is not modifiable'
  end
  if document.version and document.version ~= vim.lsp.util.buf_versions[buf] then
    return CHANGED
  end
  return nil, buf
end

local function edit(buf, edits, encoding)
  local run = runs[buf]
  if run and run.step == undo.now(buf) then
    undo.join(buf)
  else
    undo.close(buf)
  end
  vim.lsp.util.apply_text_edits(edits, buf, encoding)
  -- The next typing begins a new step of undo.
  undo.close(buf)
  if run then
    run.step = undo.now(buf)
  end
end

--- Applies `workspace/applyEdit` of the server: all of its edits or none.
---@type lsp.Handler
function M.apply_edit(_, params, context)
  local client = assert(vim.lsp.get_client_by_id(context.client_id))
  local changes = params.edit.documentChanges or {}
  local bufs = {}
  for index, change in ipairs(changes) do
    local why, buf = check(change, client.id)
    if why then
      return { applied = false, failureReason = why }
    end
    bufs[index] = buf
  end
  for index, change in ipairs(changes) do
    edit(bufs[index], change.edits, client.offset_encoding)
  end
  return { applied = true }
end

return M
