--- `:checkhealth fimd`.

local server = require('fimd.server')

local M = {}

--- How long the program may take to tell its version, in milliseconds.
local PATIENCE = 5000

--- How long `fimd doctor` may take, in milliseconds. It waits for the model server
--- as long as the settings file says.
local DOCTOR_PATIENCE = 60000

--- The longest path that a socket can have, in bytes.
local LONGEST_SOCKET = 107

local function check_neovim()
  local version = tostring(vim.version())
  if vim.fn.has('nvim-0.10') == 0 then
    vim.health.error('Neovim ' .. version .. ' is too old', 'install 0.10 or newer')
  elseif vim.lsp.inline_completion then
    vim.health.ok('Neovim ' .. version .. ', with inline completion of its own (option `native`)')
  else
    vim.health.ok('Neovim ' .. version)
  end
end

--- Checks that the program runs and is fimd.
local function check_program(cmd)
  local path = vim.fn.exepath(cmd[1])
  if path == '' then
    vim.health.error(
      ('`%s` is not an executable program'):format(cmd[1]),
      'install fimd so that it is on the PATH, or name it in the option `cmd`'
    )
    return false
  end
  local command = vim.list_extend(vim.deepcopy(cmd), { '--version' })
  local is_started, run = pcall(vim.system, command, { text = true })
  if not is_started then
    vim.health.error(('`%s` cannot be started: %s'):format(path, run))
    return false
  end
  local done = run:wait(PATIENCE)
  local version = vim.trim(done.stdout or '')
  if done.code == 0 and version:match('^fimd ') then
    vim.health.ok(('%s: %s'):format(path, version))
    return true
  end
  vim.health.error(
    ('`%s` is not fimd: `--version` said `%s`, exit code %d'):format(
      path,
      vim.trim(version .. ' ' .. (done.stderr or '')),
      done.code
    )
  )
  return false
end

local function check_socket(config)
  if config.connection ~= 'daemon' then
    vim.health.info('`connection` is "process": each project has a process of its own')
    return
  end
  local path = config.socket
  if #path > LONGEST_SOCKET then
    vim.health.error(
      ('the path of the socket has %d bytes, more than %d: %s'):format(#path, LONGEST_SOCKET, path),
      'set the option `socket`'
    )
  elseif vim.uv.fs_stat(path) then
    vim.health.ok("the daemon's socket is " .. path)
  else
    vim.health.info('no daemon listens at ' .. path .. '; it is started when it is needed')
  end
end

--- How to report each state of a check of `fimd doctor`.
local TELL = {
  ok = vim.health.ok,
  warning = vim.health.warn,
  fault = vim.health.error,
}

--- The program's own checks: settings, cache, watches, the model server and its
--- model, the daemon.
---@param config fimd.Config
local function check_with_doctor(config)
  local command = vim.deepcopy(config.cmd)
  vim.list_extend(command, { 'doctor', '--json' })
  if config.connection == 'daemon' then
    vim.list_extend(command, { '--socket', config.socket })
  end
  local own = require('fimd.config').own_settings(config)
  if own then
    vim.list_extend(command, { '--editor-settings', '-' })
  end
  local options = { text = true, stdin = own and vim.json.encode(own) }
  local done = vim.system(command, options):wait(DOCTOR_PATIENCE)
  local is_read, report = pcall(vim.json.decode, done.stdout or '')
  if not is_read or type(report) ~= 'table' or type(report.checks) ~= 'table' then
    vim.health.error(
      ('`fimd doctor` gave no report, exit code %d: %s'):format(done.code, vim.trim(done.stderr or ''))
    )
    return
  end
  for _, check in ipairs(report.checks) do
    local tell = TELL[check.state] or vim.health.info
    tell(('%s: %s'):format(check.name, check.says), check.fix)
  end
end

local function check_servers()
  local sessions = server.sessions()
  if #sessions == 0 then
    vim.health.info('no server runs: no buffer is open that needs one')
    return
  end
  for _, line in ipairs(require('fimd.status').lines()) do
    vim.health.info(line)
  end
  for _, session in ipairs(sessions) do
    if session.gave_up then
      vim.health.error(
        ('the server for %s does not run: %s'):format(session.root, session.gave_up),
        ('what it said is in %s; `:Fimd restart` tries again'):format(vim.lsp.get_log_path())
      )
    end
  end
end

--- The entry point that `:checkhealth` calls.
function M.check()
  vim.health.start('fimd')
  check_neovim()
  local config = server.config()
  if not config then
    vim.health.warn('fimd is not set up', 'call require("fimd").setup() in your configuration')
    config = require('fimd.config').defaults()
  end
  local is_fimd = check_program(config.cmd)
  check_socket(config)
  if is_fimd then
    check_with_doctor(config)
  end
  check_servers()
end

return M
