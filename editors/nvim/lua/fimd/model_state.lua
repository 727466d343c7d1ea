--- The state of the model server, as the answers to this editor's requests show it.
--- The plugin reports an outage once and its end once; the statusline shows the
--- state.

local server = require('fimd.server')
local switch = require('fimd.switch')

local M = {}

--- The error code of a model server that gave no answer.
local NO_ANSWER = -32001

---@class fimd.ModelState
---@field url string? the model server
---@field model string? the model's name in the settings, else its family
---@field latency_ms integer? of the last answer
---@field timings fimd.Timings? of the last answer, at the server
---@field failure string? why the last request got none

--- The times of an answer, and the tokens of its prompt that the model server read, and
--- that it had read before; not numbers if it does not say.
---@class fimd.Timings
---@field first_token_ms number
---@field read_tokens number?
---@field reused_tokens number?

---@type table<integer, fimd.ModelState> by client id
local states = {}

---@type string? the last reported error that is not an outage
local told

local function state_of(client_id)
  states[client_id] = states[client_id] or {}
  return states[client_id]
end

--- `message` without line breaks.
local function one_line(message)
  return (message:gsub('%s+', ' '))
end

--- Shows a message in one line of the screen. A longer message would wait for a key
--- while the user types.
---@param message string
---@param level integer
local function tell_in_line(message, level)
  local line = 'fimd: ' .. one_line(message)
  local width = vim.v.echospace
  while vim.fn.strdisplaywidth(line) > width do
    line = vim.fn.strcharpart(line, 0, vim.fn.strchars(line) - 2) .. '…'
  end
  vim.notify(line, level)
end

local function changed()
  vim.cmd.redrawstatus()
end

--- Asks `client` which model it uses.
---@param buf integer
---@param client vim.lsp.Client
function M.attach(buf, client)
  server.request(buf, client, 'fimd/settings', nil, function(_, answer)
    if answer then
      M.set_settings(client.id, answer.settings)
    end
  end)
end

--- Records the current settings of the server of `client_id`.
---@param client_id integer
---@param settings table
function M.set_settings(client_id, settings)
  local endpoint = settings.endpoint
  state_of(client_id).url = endpoint.url
  state_of(client_id).model = type(endpoint.model) == 'string' and endpoint.model or endpoint.family
  changed()
end

--- Forgets a server that has ended.
---@param client_id integer
function M.forget(client_id)
  states[client_id] = nil
end

--- Records that the model server has answered after `latency_ms`.
---@param client_id integer
---@param latency_ms integer
---@param timings fimd.Timings
function M.answered(client_id, latency_ms, timings)
  local state = state_of(client_id)
  if state.failure then
    tell_in_line('the model server answers again', vim.log.levels.INFO)
  end
  state.failure, state.latency_ms, told = nil, latency_ms, nil
  state.timings = timings
  changed()
end

--- Shows that `err` prevents completions: always if the user asked for one. Else it
--- shows an outage once, and another error once until the error changes.
---@param client_id integer
---@param err fimd.Error
---@param is_asked boolean
function M.failed(client_id, err, is_asked)
  if err.code == server.CANCELLED then
    return
  end
  local is_told
  if err.code == NO_ANSWER then
    local state = state_of(client_id)
    is_told = state.failure ~= nil
    state.failure = one_line(err.message)
    changed()
  else
    is_told = told == err.message
    told = err.message
  end
  if is_asked then
    vim.notify('fimd: ' .. err.message, vim.log.levels.WARN)
  elseif not is_told then
    tell_in_line(err.message .. ' (:Fimd status)', vim.log.levels.WARN)
  end
end

--- What the model server did for the last answer, in a few words.
---@param timings fimd.Timings
---@return string
local function work(timings)
  local parts = { ('first text after %.0f ms'):format(timings.first_token_ms) }
  if type(timings.read_tokens) == 'number' then
    parts[#parts + 1] = ('%d tokens read'):format(timings.read_tokens)
    if type(timings.reused_tokens) == 'number' then
      parts[#parts + 1] = ('%d reused'):format(timings.reused_tokens)
    end
  end
  return table.concat(parts, ', ')
end

--- The model server of `client_id` in one line: why its last request got no answer,
--- or where it is and what its last answer took.
---@param client_id integer
---@return string?
function M.describe(client_id)
  local state = states[client_id]
  if state and state.failure then
    return 'no model server: ' .. state.failure
  elseif state and state.url then
    local line = ('model server: %s, %s'):format(state.url, state.model)
    return state.timings and ('%s; %s'):format(line, work(state.timings)) or line
  end
end

--- The state of the current buffer in a few words, for the statusline; empty where
--- the plugin leaves the buffer alone.
---@return string
function M.statusline()
  local buf = vim.api.nvim_get_current_buf()
  local why, is_off = server.why_not(buf)
  if why then
    return is_off and 'fimd: off' or ''
  end
  local minutes = server.is_completed(buf) and switch.snoozed()
  if minutes then
    return ('fimd: snoozed, %d min'):format(minutes)
  end
  local client = server.client(buf)
  if not client then
    return server.gave_up(buf) and 'fimd: not running' or 'fimd: starting'
  end
  local state = state_of(client.id)
  if state.failure then
    return 'fimd: no model server'
  end
  local parts = { 'fimd:', state.model or 'ready' }
  if state.latency_ms then
    parts[#parts + 1] = ('%d ms'):format(state.latency_ms)
  end
  return table.concat(parts, ' ')
end

return M
