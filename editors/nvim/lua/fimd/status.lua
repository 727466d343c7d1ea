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
    local buffers = vim.tbl_count(session.buffers)
    local line = '%s: %s, %d buffer%s'
    lines[#lines + 1] = line:format(session.root, state(session), buffers, buffers == 1 and '' or 's')
    local client = session.client_id and vim.lsp.get_client_by_id(session.client_id)
    local counts = client and vim.tbl_get(client.server_capabilities, 'experimental', 'fimd')
    if counts then
      lines[#lines + 1] = ('  %d files, %d chunks'):format(counts.file_count, counts.bm25_chunks)
    end
    local model = client and model_state.describe(client.id)
    if model then
      lines[#lines + 1] = '  ' .. model
    end
  end
  return lines
end

--- Runs a command of the program and calls `done` with the lines that it prints, or
--- with the reason why there are none.
---@param args string[]
---@param stdin string?
---@param done fun(lines: string[]?, why: string?)
local function run(args, stdin, done)
  local command = vim.list_extend(vim.deepcopy(server.config().cmd), args)
  local options = { text = true, stdin = stdin }
  local is_started, why = pcall(vim.system, command, options, vim.schedule_wrap(function(ended)
    local said = (ended.stderr or ''):gsub('^fimd: ', '')
    if ended.code ~= 0 or ended.stdout == '' then
      done(nil, vim.trim(said))
    else
      done(vim.split((ended.stdout:gsub('%s+$', '')), '\n', { plain = true }))
    end
  end))
  if not is_started then
    done(nil, tostring(why))
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
    if err then
      vim.list_extend(lines, { '', 'fimd/status: ' .. err.message })
      scratch.show('status', lines)
      return
    end
    -- The program prints it as it does in the shell.
    run({ 'status', '--from', '-' }, vim.json.encode(answer), function(printed, failure)
      lines[#lines + 1] = ''
      vim.list_extend(lines, printed or { 'fimd status: ' .. failure })
      scratch.show('status', lines)
    end)
  end)
end

--- Shows the last runs of tags.
function M.show_log()
  run({ 'tags', 'log' }, nil, function(printed, why)
    if printed then
      scratch.show('log', printed)
    else
      vim.notify('fimd: ' .. why, vim.log.levels.WARN)
    end
  end)
end

return M
