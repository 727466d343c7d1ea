--- The status of fimd as text.

local model_state = require('fimd.model_state')
local scratch = require('fimd.scratch')
local server = require('fimd.server')
local switch = require('fimd.switch')

local M = {}

---@param session fimd.Session
local function state(session)
  local client = session.client_id and vim.lsp.get_client_by_id(session.client_id)
  if client and client.initialized then
    local version = vim.tbl_get(client.server_capabilities, 'experimental', 'fimd', 'version')
    -- The first versions of fimd did not tell their version; Neovim before 0.11 does
    -- not pass it on.
    local info = client.server_info
    return ('fimd %s runs'):format(version or info and info.version or 'of unknown version')
  elseif client then
    return 'is being started'
  elseif session.gave_up then
    return 'does not run: ' .. session.gave_up
  end
  return ('is started again: %s'):format(session.ended or 'it was stopped')
end

--- Lines that describe each server with its project and state.
---@return string[]
function M.lines()
  local lines = {}
  local minutes = switch.snoozed()
  if minutes then
    local line = 'completions are snoozed for %d min: `:Fimd snooze 0` ends that'
    lines[#lines + 1] = line:format(minutes)
  end
  for _, session in ipairs(server.sessions()) do
    lines[#lines + 1] = ('%s: %s, %d buffers'):format(
      session.root,
      state(session),
      vim.tbl_count(session.buffers)
    )
    local client = session.client_id and vim.lsp.get_client_by_id(session.client_id)
    local counts = client and vim.tbl_get(client.server_capabilities, 'experimental', 'fimd')
    if counts then
      lines[#lines + 1] = ('  %d files, %d chunks'):format(counts.file_count, counts.bm25_chunks)
    end
    local failure = client and model_state.failure(client.id)
    if failure then
      lines[#lines + 1] = '  no model server: ' .. failure
    end
  end
  return lines
end

--- Lines for a value of the server's answer, one per leaf.
local function flatten(lines, name, value)
  if type(value) ~= 'table' then
    lines[#lines + 1] = ('  %s: %s'):format(name, tostring(value))
    return
  end
  local keys = vim.tbl_keys(value)
  table.sort(keys, function(a, b)
    return tostring(a) < tostring(b)
  end)
  for _, key in ipairs(keys) do
    flatten(lines, name == '' and tostring(key) or name .. '.' .. key, value[key])
  end
end

--- Shows the state of all servers and the status of the current buffer's server.
function M.show()
  local buf = vim.api.nvim_get_current_buf()
  local why = server.why_not(buf)
  local lines = M.lines()
  table.insert(
    lines,
    1,
    why and 'this buffer is left alone: ' .. why or 'this buffer belongs to ' .. server.root(buf)
  )
  local client = server.client(buf)
  if not client then
    scratch.show('status', lines)
    return
  end
  server.request(buf, client, 'fimd/status', nil, function(err, answer)
    lines[#lines + 1] = ''
    if err then
      lines[#lines + 1] = 'fimd/status: ' .. err.message
    else
      flatten(lines, '', answer)
    end
    scratch.show('status', lines)
  end)
end

--- Shows the last runs of tags.
function M.show_log()
  local command = vim.list_extend(vim.deepcopy(server.config().cmd), { 'tags', 'log' })
  local is_started, why = pcall(vim.system, command, { text = true }, vim.schedule_wrap(function(done)
    if done.code ~= 0 then
      vim.notify('fimd: ' .. vim.trim(done.stderr), vim.log.levels.ERROR)
      return
    end
    scratch.show('log', vim.split(vim.trim(done.stdout), '\n', { plain = true }))
  end))
  if not is_started then
    vim.notify('fimd: ' .. why, vim.log.levels.ERROR)
  end
end

return M
