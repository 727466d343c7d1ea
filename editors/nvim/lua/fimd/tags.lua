--- FIMpad tags: what is done at the cursor, and how the server's edits get into
--- buffers.
---
--- The server streams what it generates as versioned `workspace/applyEdit`
--- requests. Those of one run become one step of undo, unless somebody has
--- edited the buffer in between.

local cursor = require('fimd.cursor')
local ghost = require('fimd.ghost')
local server = require('fimd.server')
local undo = require('fimd.undo')

local M = {}

local CLOSED = 'the document is not open'
local CHANGED = 'the document has changed'

---@class fimd.Run
---@field client_id integer
---@field token string? what the server calls it, once it runs
---@field step integer? where the history of the buffer is since the last edit

--- The runs, by buffer.
---@type table<integer, fimd.Run>
local runs = {}

local function say(message, level)
  vim.notify('fimd: ' .. message, level or vim.log.levels.INFO)
end

--- Whether a tag is being run in a buffer.
---@param buf integer
---@return boolean
function M.is_running(buf)
  return runs[buf] ~= nil
end

local function ended(buf)
  runs[buf] = nil
  ghost.pause(buf, false)
end

--- Lets the server execute a command in a buffer. If that starts a run, the
--- answer says what it is called; it goes on until its progress ends.
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

--- Forgets what a server did that has ended.
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

--- Lets the server execute a command at the cursor.
---@param name string
local function execute_here(name)
  local buf = vim.api.nvim_get_current_buf()
  local row, column = cursor.place()
  local position = { line = row, character = column }
  local arguments = { { uri = vim.uri_from_bufnr(buf), position = position } }
  M.execute(buf, { title = '', command = name, arguments = arguments })
end

--- Generates in the place of the FIM tag at the cursor.
function M.generate()
  execute_here('fimd.tags.generate')
end

--- Generates at the cursor what the last tag asked for.
function M.repeat_last()
  execute_here('fimd.tags.repeat')
end

--- Puts the last tag at the cursor.
function M.paste()
  execute_here('fimd.tags.paste')
end

--- Applies the settings of the config tag at the cursor.
function M.apply()
  execute_here('fimd.tags.applySettings')
end

--- Stops the tag that is being run in the current buffer. What becomes of the
--- text so far is the server's choice.
function M.interrupt()
  local run = runs[vim.api.nvim_get_current_buf()]
  local client = run and run.token and vim.lsp.get_client_by_id(run.client_id)
  if client then
    server.call(client, 'notify', 'window/workDoneProgress/cancel', { token = run.token })
  else
    say('no tag is being run in this buffer')
  end
end

--- Commands of the server that Neovim is to execute through `execute`, when
--- they are chosen as code actions or lenses.
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

--- Why the edits of a document cannot be made, if they cannot; and its buffer.
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
  -- What is typed next is a step of its own.
  undo.close(buf)
  if run then
    run.step = undo.now(buf)
  end
end

--- The server wants documents edited: all of its edits are made, or none.
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
