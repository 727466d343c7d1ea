--- `:checkhealth fimd`.

local server = require('fimd.server')

local M = {}

--- How long programs and servers may take to answer, in milliseconds.
local PATIENCE = 5000

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

local function check_program(cmd)
  local path = vim.fn.exepath(cmd[1])
  if path == '' then
    vim.health.error(
      ('`%s` is not an executable program'):format(cmd[1]),
      'install fimd so that it is on the PATH, or name it in the option `cmd`'
    )
    return
  end
  local command = vim.list_extend(vim.deepcopy(cmd), { '--version' })
  local is_started, run = pcall(vim.system, command, { text = true })
  if not is_started then
    vim.health.error(('`%s` cannot be started: %s'):format(path, run))
    return
  end
  local done = run:wait(PATIENCE)
  local version = vim.trim(done.stdout or '')
  if done.code == 0 and version:match('^fimd ') then
    vim.health.ok(('%s: %s'):format(path, version))
  else
    vim.health.error(
      ('`%s` is not fimd: `--version` said `%s`, exit code %d'):format(
        path,
        vim.trim(version .. ' ' .. (done.stderr or '')),
        done.code
      )
    )
  end
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

--- Asks the server of `session` and waits.
local function ask(session, method, params)
  local client = vim.lsp.get_client_by_id(session.client_id)
  if not client or not client.initialized then
    return nil, 'it is not ready'
  end
  local answer, why = server.call(client, 'request_sync', method, params, PATIENCE, next(session.buffers))
  if not answer then
    return nil, why
  end
  return answer.result, answer.err and answer.err.message
end

local function check_model(session)
  local status, why = ask(session, 'fimd/status')
  if not status then
    vim.health.warn(('%s: fimd/status: %s'):format(session.root, why))
    return
  end
  local endpoint = status.endpoint
  if type(endpoint) ~= 'table' then
    vim.health.info('the server does not tell about its model server')
  elseif endpoint.reachable == true then
    vim.health.ok('the model server answers at ' .. tostring(endpoint.url))
  else
    vim.health.warn(
      ('the model server at %s: %s'):format(
        tostring(endpoint.url),
        tostring(endpoint.error or 'nobody has asked it yet')
      ),
      'start it, or set `url` in the section [endpoint] of ~/.config/fimd/settings.toml'
    )
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
  local running = vim.iter(sessions):find(function(session)
    return session.client_id ~= nil
  end)
  if running then
    check_model(running)
  end
end

--- What Neovim calls.
function M.check()
  vim.health.start('fimd')
  check_neovim()
  local config = server.config()
  if not config then
    vim.health.warn('fimd is not set up', 'call require("fimd").setup() in your configuration')
    config = require('fimd.config').defaults()
  end
  check_program(config.cmd)
  check_socket(config)
  check_servers()
end

return M
