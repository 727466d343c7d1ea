--- The servers, one per project. The plugin starts a server when a buffer needs it,
--- attaches it to buffers, which Neovim synchronises, and restarts it when it ends.

local options = require('fimd.config')
local switch = require('fimd.switch')

local M = {}

--- How the plugin restarts a server that has ended. A server that ran for
--- `steady_ms` has worked; after `attempts` ends in a row without that, the plugin
--- gives up.
M.restart = { first_ms = 1000, longest_ms = 30000, steady_ms = 10000, attempts = 8 }

--- The error code of a cancelled request.
M.CANCELLED = -32800

--- LSP's names of languages whose file types Neovim names differently.
local LANGUAGES = { text = 'plaintext' }

--- How long the command of a server may run when the plugin looks for the reason of
--- its end, in milliseconds.
local DIAGNOSIS_MS = 10000

---@class fimd.Error
---@field code integer?
---@field message string

---@class fimd.Session
---@field root string
---@field client_id integer?
---@field failures integer
---@field started integer? when it started, in milliseconds
---@field timer uv.uv_timer_t? delays the next start
---@field gave_up string? why the plugin no longer starts it
---@field ended string? how it ended last time
---@field was_ready boolean? whether it was initialized since its last start
---@field refusal string? why the program refused to start, as its user was told
---@field is_diagnosed boolean? whether the plugin looks for the reason of its end
---@field buffers table<integer, true> buffers that are attached or will be
---@field open table<integer, true> buffers that the running server knows
---@field pending table<integer, fun(err: fimd.Error?, result: any)> callbacks by request
---@field waiting table<integer, fun()[]> callbacks to run once the server knows the buffer

---@type table<string, fimd.Session>
local sessions = {}
---@type fimd.Config?
local config
local enabled = false
local attached_listeners, ended_listeners = {}, {}
local group = vim.api.nvim_create_augroup('fimd.server', {})

local function warn(message)
  vim.notify('fimd: ' .. message, vim.log.levels.WARN)
end

--- Calls `listener(buf, client)` when a server is attached to a buffer.
function M.on_attach(listener)
  table.insert(attached_listeners, listener)
end

--- Calls `listener(client_id, how)` when a server has ended or was stopped.
function M.on_end(listener)
  table.insert(ended_listeners, listener)
end

--- The command line of a server.
---@return string[]
function M.command()
  local command = vim.deepcopy(config.cmd)
  if config.connection == 'daemon' then
    vim.list_extend(command, { 'connect', '--socket', config.socket })
  end
  return command
end

--- Whether a buffer's file type has tags.
function M.is_tagged(buf)
  return vim.list_contains(config.tag_filetypes, vim.bo[buf].filetype)
end

--- Whether a buffer's file type has completion.
function M.is_completed(buf)
  return vim.list_contains(config.filetypes, vim.bo[buf].filetype)
end

local function bytes_of(buf)
  return vim.api.nvim_buf_get_offset(buf, vim.api.nvim_buf_line_count(buf))
end

--- Why a buffer is not one for the plugin, if it is not.
---@param buf integer
---@return string?
local function why_unfit(buf)
  if not vim.api.nvim_buf_is_loaded(buf) then
    return 'the buffer is not loaded'
  end
  if vim.bo[buf].buftype ~= '' then
    return ('the buffer is special: its buftype is `%s`'):format(vim.bo[buf].buftype)
  end
  local name = vim.api.nvim_buf_get_name(buf)
  if name == '' then
    return 'the buffer has no name: save it first'
  end
  if name:match('^%a[%w+.-]+://') or vim.b[buf].netrw_method then
    return 'the file is not on this machine: ' .. name
  end
  if not M.is_completed(buf) and not M.is_tagged(buf) then
    local message = 'the file type `%s` is neither in `filetypes` nor in `tag_filetypes`'
    return message:format(vim.bo[buf].filetype)
  end
  if bytes_of(buf) > config.max_buffer_bytes then
    local message = 'the buffer is larger than %d bytes, the option `max_buffer_bytes`'
    return message:format(config.max_buffer_bytes)
  end
end

--- Why the plugin leaves a buffer alone, if it does, and whether the user has
--- switched it off.
---@param buf integer
---@return string? why
---@return boolean? is_off
function M.why_not(buf)
  if not config then
    return 'fimd is not set up: call require("fimd").setup()'
  end
  local why = why_unfit(buf)
  if why then
    return why
  end
  if not enabled then
    return 'fimd is disabled: `:Fimd enable` turns it on', true
  end
  why = switch.why_off(buf, M.root)
  return why, why ~= nil
end

--- Whether completions may come by themselves in a buffer now.
---@param buf integer
---@return boolean
function M.is_automatic(buf)
  return config.automatic
    and not switch.snoozed()
    and M.is_completed(buf)
    and not switch.why_off(buf, M.root)
end

--- The root of the project that a buffer belongs to. A buffer without a project
--- gets its folder. In the home folder or at the root, where that would be far too
--- much, it gets an empty folder.
---@param buf integer
---@return string
function M.root(buf)
  local name = vim.api.nvim_buf_get_name(buf)
  local root = vim.fs.root(name, config.root_markers)
  if root then
    return vim.fs.normalize(vim.fn.fnamemodify(root, ':p'))
  end
  local folder = vim.fs.normalize(vim.fn.fnamemodify(name, ':p:h'))
  if folder ~= '/' and folder ~= vim.fs.normalize('~') and vim.fn.isdirectory(folder) == 1 then
    return folder
  end
  local empty = vim.fs.joinpath(vim.fn.stdpath('cache'), 'fimd', 'no-project')
  vim.fn.mkdir(empty, 'p')
  return empty
end

local function session_at(root)
  local session = sessions[root]
  if not session then
    session = { root = root, failures = 0, buffers = {}, open = {}, pending = {}, waiting = {} }
    sessions[root] = session
  end
  return session
end

--- Calls a method of a client. Before Neovim 0.11 methods were plain functions.
---@param client vim.lsp.Client
---@param method string
function M.call(client, method, ...)
  if vim.fn.has('nvim-0.11') == 1 then
    return client[method](client, ...)
  end
  return client[method](...)
end

---@param session fimd.Session
local function client_of(session)
  local client = session.client_id and vim.lsp.get_client_by_id(session.client_id)
  return client and not M.call(client, 'is_stopped') and client or nil
end

--- The server of a buffer, once the server knows the buffer.
---@param buf integer
---@return vim.lsp.Client?
function M.client(buf)
  for _, session in pairs(sessions) do
    local client = session.open[buf] and client_of(session)
    if client and vim.lsp.buf_is_attached(buf, client.id) then
      return client
    end
  end
end

--- Why the plugin no longer starts the server of a buffer, if it does not.
---@param buf integer
---@return string?
function M.gave_up(buf)
  for _, session in pairs(sessions) do
    if session.buffers[buf] then
      return session.gave_up
    end
  end
end

---@param client_id integer
---@return fimd.Session?
local function session_of(client_id)
  for _, session in pairs(sessions) do
    if session.client_id == client_id then
      return session
    end
  end
end

--- Whether the client with this id belongs to the plugin.
---@param client_id integer
function M.is_ours(client_id)
  return session_of(client_id) ~= nil
end

---@return fimd.Session[]
function M.sessions()
  return vim.tbl_values(sessions)
end

local start

--- Tells all callbacks that wait for the server of `session` how it has ended.
---@param session fimd.Session
---@param client_id integer?
---@param how string
local function settle_all(session, client_id, how)
  local waiting = vim.iter(vim.tbl_values(session.waiting)):flatten():totable()
  session.waiting, session.open = {}, {}
  for _, settle in ipairs(vim.tbl_values(session.pending)) do
    settle({ message = 'the server has ended: ' .. how })
  end
  for _, wait in ipairs(waiting) do
    wait()
  end
  for _, listener in ipairs(client_id and ended_listeners or {}) do
    listener(client_id, how)
  end
end

--- Gives up on `session` for good, with one message.
---@param session fimd.Session
---@param why string
---@param advice string
local function give_up(session, why, advice)
  session.gave_up = why
  warn(('the server for %s does not run: %s; %s'):format(session.root, why, advice))
end

--- Schedules a restart of the server of `session`, or gives up after too many ends.
---@param session fimd.Session
local function start_later(session)
  local limits = M.restart
  if session.failures >= limits.attempts then
    give_up(
      session,
      ('%s, %d times in a row'):format(session.ended, session.failures),
      ('what it said is in %s; `:Fimd restart` tries again'):format(vim.lsp.get_log_path())
    )
    return
  end
  local delay = math.min(limits.first_ms * 2 ^ (session.failures - 1), limits.longest_ms)
  session.timer = vim.defer_fn(function()
    session.timer = nil
    start(session)
  end, delay)
end

--- Runs the command of a server that ended before it was ready once more, without
--- input. If it fails again, its own message says why, and another try would not
--- help.
---@param session fimd.Session
local function diagnose(session)
  local function told(done)
    local message = vim.trim(done.stderr or ''):gsub('^fimd: ', '')
    session.is_diagnosed = false
    if not enabled or sessions[session.root] ~= session or session.client_id then
      return
    end
    if done.code ~= 0 and message ~= '' and message == session.refusal then
      session.gave_up = message
    elseif done.code ~= 0 and message ~= '' then
      session.refusal = message
      give_up(session, message, 'once that is mended, it starts when you next type')
    else
      start_later(session)
    end
  end
  session.is_diagnosed = true
  vim.system(M.command(), { text = true, stdin = '', timeout = DIAGNOSIS_MS }, vim.schedule_wrap(told))
end

--- Handles an unexpected end of the server of `session`.
---@param session fimd.Session
local function ended(session, code, signal)
  local client_id = session.client_id
  session.client_id = nil
  session.ended = signal ~= 0 and ('it was ended by signal %d'):format(signal)
    or ('it ended with exit code %d'):format(code)
  settle_all(session, client_id, session.ended)
  if not enabled or not next(session.buffers) then
    return
  end
  local worked = vim.uv.now() - session.started >= M.restart.steady_ms
  session.failures = worked and 1 or session.failures + 1
  if session.was_ready or session.failures > 1 then
    start_later(session)
  else
    diagnose(session)
  end
end

local OMNIFUNC = 'v:lua.vim.lsp.omnifunc'

--- The `omnifunc` of each buffer before Neovim set it for a server.
---@type table<integer, string>
local omnifuncs = {}

--- Gives `K` and 'omnifunc' back in a buffer without tags. Neovim takes them in
--- every buffer of a server that has hover and completion, and fimd has them in
--- tags alone. Another server of the buffer that has them keeps them.
---@param client vim.lsp.Client
---@param buf integer
local function give_back(client, buf)
  local function is_others(method)
    return vim.iter(vim.lsp.get_clients({ bufnr = buf, method = method })):any(function(other)
      return other.id ~= client.id
    end)
  end
  if vim.bo[buf].omnifunc == OMNIFUNC and not is_others('textDocument/completion') then
    vim.bo[buf].omnifunc = omnifuncs[buf] or ''
  end
  if not is_others('textDocument/hover') then
    for _, map in ipairs(vim.api.nvim_buf_get_keymap(buf, 'n')) do
      if map.lhs == 'K' and map.desc == 'vim.lsp.buf.hover()' then
        vim.keymap.del('n', 'K', { buffer = buf })
      end
    end
  end
end

local function capabilities()
  local all = vim.lsp.protocol.make_client_capabilities()
  -- Columns are bytes in this encoding, as they are in Neovim.
  all.general.positionEncodings = { 'utf-8' }
  all.textDocument.inlineCompletion = { dynamicRegistration = false }
  -- Neovim supports this but does not announce it.
  all.workspace.workspaceEdit.documentChanges = true
  -- Neovim takes `K` for a hover that is registered for other languages, too, and
  -- later than `give_back` can know.
  all.textDocument.hover.dynamicRegistration = false
  return all
end

--- Starts `command` for `session`. Neovim assumes that every server initializes;
--- here the plugin ends one that refuses, for example because of its project.
---@param session fimd.Session
---@param command string[]
---@param exit { code: integer?, signal: integer? } set when the process ends
local function process(session, command, exit)
  return function(dispatchers)
    -- `ended` reports failures, so Neovim must not report them in its own words.
    local on_exit = dispatchers.on_exit
    dispatchers.on_exit = function(code, signal)
      exit.code, exit.signal = code, signal
      on_exit(0, 0)
    end
    local rpc = vim.lsp.rpc.start(command, dispatchers)
    local request = rpc.request
    rpc.request = function(method, params, callback, ...)
      if method ~= 'initialize' then
        return request(method, params, callback, ...)
      end
      return request(method, params, function(err, result)
        if not err then
          session.was_ready, session.refusal = true, nil
          return callback(err, result)
        end
        local client_id = session.client_id
        session.client_id = nil
        rpc.notify('exit')
        rpc.terminate()
        give_up(session, err.message, 'when that is mended, `:Fimd restart` tries again')
        settle_all(session, client_id, err.message)
      end, ...)
    end
    return rpc
  end
end

--- Starts the server of `session` for all its buffers, unless it runs already.
---@param session fimd.Session
start = function(session)
  local bufs = vim.tbl_filter(vim.api.nvim_buf_is_loaded, vim.tbl_keys(session.buffers))
  local is_waiting = session.timer or session.is_diagnosed
  if client_of(session) or is_waiting or session.gave_up or #bufs == 0 then
    return
  end
  local command = M.command()
  if vim.fn.executable(command[1]) == 0 then
    local why = ('`%s` is not an executable program'):format(command[1])
    give_up(session, why, 'install fimd, or set the option `cmd`')
    return
  end
  if config.connection == 'daemon' then
    vim.fn.mkdir(vim.fs.dirname(config.socket), 'p', tonumber('700', 8))
  end
  session.started, session.was_ready = vim.uv.now(), false
  local exit = {}
  session.client_id = vim.lsp.start({
    name = 'fimd',
    cmd = process(session, command, exit),
    root_dir = session.root,
    init_options = {
      project_root = session.root,
      include_paths = config.include_paths,
      bm25 = config.bm25,
      settings = options.own_settings(config),
    },
    capabilities = capabilities(),
    -- The server continues to stream into a buffer once it has seen the last edit.
    flags = { debounce_text_changes = 0 },
    get_language_id = function(buf, filetype)
      -- Neovim asks for this right before it sets 'omnifunc'.
      if vim.bo[buf].omnifunc ~= OMNIFUNC then
        omnifuncs[buf] = vim.bo[buf].omnifunc
      end
      return LANGUAGES[filetype] or filetype
    end,
    handlers = M.handlers,
    commands = M.commands,
    on_attach = function(client, buf)
      session.open[buf] = true
      if not M.is_tagged(buf) then
        give_back(client, buf)
      end
      for _, listener in ipairs(attached_listeners) do
        listener(buf, client)
      end
      local waiting = session.waiting[buf] or {}
      session.waiting[buf] = nil
      for _, wait in ipairs(waiting) do
        wait()
      end
    end,
    on_exit = vim.schedule_wrap(function(_, _, client_id)
      if session.client_id == client_id then
        ended(session, exit.code, exit.signal)
      end
    end),
  }, {
    bufnr = bufs[1],
    reuse_client = function()
      return false
    end,
  })
  if not session.client_id then
    session.gave_up = 'it cannot be started'
    return
  end
  for _, buf in ipairs(bufs) do
    vim.lsp.buf_attach_client(buf, session.client_id)
  end
end

--- Handlers of notifications and requests from servers, by method.
---@type table<string, lsp.Handler>
M.handlers = {}

--- Commands that the plugin executes, by name.
---@type table<string, fun(command: lsp.Command, context: table)>
M.commands = {}

--- Attaches the server of its project to a buffer, unless the plugin leaves the
--- buffer alone.
---@param buf integer
---@return string? why the plugin leaves it alone
function M.attach(buf)
  local why = M.why_not(buf)
  if why then
    return why
  end
  local session = session_at(M.root(buf))
  if not session.buffers[buf] then
    -- The buffer may have a new name.
    M.forget(buf)
    session.buffers[buf] = true
  end
  local client = client_of(session)
  if client then
    vim.lsp.buf_attach_client(buf, client.id)
  else
    start(session)
  end
end

--- Detaches a buffer, and stops a server that has no buffer left.
---@param buf integer
function M.forget(buf)
  for root, session in pairs(sessions) do
    if session.buffers[buf] then
      session.buffers[buf] = nil
      local client = client_of(session)
      if client and vim.lsp.buf_is_attached(buf, client.id) then
        vim.lsp.buf_detach_client(buf, client.id)
      end
      if not next(session.buffers) then
        M.stop(session)
        sessions[root] = nil
      end
    end
  end
end

--- Stops the server of `session` and tells the callbacks that wait for it.
---@param session fimd.Session
function M.stop(session)
  if session.timer then
    session.timer:stop()
    session.timer:close()
    session.timer = nil
  end
  local client, client_id = client_of(session), session.client_id
  session.client_id = nil
  if client then
    M.call(client, 'stop')
  end
  settle_all(session, client_id, 'it was stopped')
end

--- Calls `act(client)` when the server of a buffer is initialized, or
--- `act(nil, why)` if it will not be.
---@param buf integer
---@param act fun(client: vim.lsp.Client?, why: string?)
function M.when_ready(buf, act)
  local why = M.attach(buf)
  if why then
    return act(nil, why)
  end
  local client = M.client(buf)
  if client then
    return act(client)
  end
  local session = session_at(M.root(buf))
  local function refuse()
    local reason = session.gave_up or session.ended or 'it was stopped'
    act(nil, ('the server for %s does not run: %s'):format(session.root, reason))
  end
  if not client_of(session) then
    return refuse()
  end
  session.waiting[buf] = session.waiting[buf] or {}
  table.insert(session.waiting[buf], function()
    local ready = M.client(buf)
    if ready then
      act(ready)
    else
      refuse()
    end
  end)
end

--- Sends a request to the server of a buffer, after the buffer's pending changes.
--- Calls `done` once: with the answer, with an error, when the request is cancelled
--- or when the server ends.
---@param buf integer
---@param client vim.lsp.Client
---@param method string
---@param params table?
---@param done fun(err: fimd.Error?, result: any)
---@return fun() cancel
function M.request(buf, client, method, params, done)
  local session = session_of(client.id)
  if not session then
    done({ message = 'the server has ended' })
    return function() end
  end
  local id
  local function settle(err, result)
    if session.pending[id] == settle then
      session.pending[id] = nil
      done(err, result)
    end
  end
  local sent
  sent, id = M.call(client, 'request', method, params, function(err, result)
    settle(err, result)
  end, buf)
  if not sent then
    done({ message = 'the server has ended' })
    return function() end
  end
  session.pending[id] = settle
  return function()
    if session.pending[id] == settle then
      M.call(client, 'cancel_request', id)
    end
  end
end

--- Notes that a cancelled request was answered. Neovim does not pass on the error
--- of a cancelled request. It only raises this event, before it calls the handler,
--- if it calls it.
local function answered(event)
  local session = session_of(event.data.client_id)
  local settle = session and session.pending[event.data.request_id]
  if settle and event.data.request.type == 'complete' then
    vim.schedule(function()
      settle({ code = M.CANCELLED, message = 'cancelled' })
    end)
  end
end

--- Tries again to start the server of a buffer, if the program refused to start: the
--- user may have mended the reason, such as a mistake in its settings.
---@param buf integer
local function try_again(buf)
  for _, session in pairs(sessions) do
    if session.buffers[buf] and session.refusal and session.gave_up == session.refusal then
      session.gave_up, session.failures = nil, 0
      start(session)
    end
  end
end

--- Restarts all servers at once, also those that the plugin had given up.
function M.restart_all()
  for _, session in pairs(sessions) do
    M.stop(session)
    session.failures, session.gave_up, session.ended, session.refusal = 0, nil, nil, nil
    start(session)
  end
end

local function attach_loaded()
  for _, buf in ipairs(vim.api.nvim_list_bufs()) do
    M.attach(buf)
  end
end

--- Attaches a buffer, or detaches it if the plugin is to leave it alone.
---@param buf integer
function M.refresh(buf)
  if M.attach(buf) then
    M.forget(buf)
  end
end

--- Starts to attach buffers, or stops all servers and detaches all buffers.
---@param on boolean
function M.enable(on)
  enabled = on
  vim.api.nvim_clear_autocmds({ group = group })
  if not on then
    for _, session in pairs(sessions) do
      M.stop(session)
    end
    sessions = {}
    return
  end
  vim.api.nvim_create_autocmd({ 'FileType', 'BufWritePost', 'BufFilePost', 'BufReadPost' }, {
    group = group,
    callback = function(event)
      M.refresh(event.buf)
    end,
  })
  vim.api.nvim_create_autocmd('InsertEnter', {
    group = group,
    callback = function(event)
      -- No event tells of a changed variable.
      if vim.b[event.buf].fimd_enabled ~= nil then
        M.refresh(event.buf)
      end
      try_again(event.buf)
    end,
  })
  vim.api.nvim_create_autocmd({ 'BufDelete', 'BufWipeout' }, {
    group = group,
    callback = function(event)
      M.forget(event.buf)
    end,
  })
  vim.api.nvim_create_autocmd('LspRequest', { group = group, callback = answered })
  attach_loaded()
end

---@return boolean
function M.is_enabled()
  return enabled
end

---@param new fimd.Config
function M.setup(new)
  if enabled then
    M.enable(false)
  end
  config = new
  M.enable(true)
end

---@return fimd.Config?
function M.config()
  return config
end

return M
