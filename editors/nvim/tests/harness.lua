-- The harness of the plugin's tests. Each test drives a Neovim of its own through
-- its API, as a user would by typing, against a server that the test controls.

local M = {}

-- The most that a test waits, in milliseconds. Only something that hangs takes so
-- long.
local PATIENCE_MS = 20000

local here = vim.fs.dirname(vim.fn.fnamemodify(debug.getinfo(1, 'S').source:sub(2), ':p'))

--- The plugin's folder.
M.plugin = vim.fs.dirname(here)
M.fake_server = here .. '/fake_server.lua'

--- The Neovim that runs this, with the arguments that start a second one bare.
M.nvim = { vim.v.progpath, '--headless', '-u', 'NONE' }

local function inspect(value)
  return type(value) == 'string' and value or vim.inspect(value)
end

--- Fails unless both values are equal.
function M.same(found, wanted, what)
  if not vim.deep_equal(found, wanted) then
    local message = '%s\n--- wanted\n%s\n--- found\n%s'
    error(message:format(what or 'not the same', inspect(wanted), inspect(found)), 2)
  end
end

--- Fails unless `text` contains `part`, which is no pattern.
function M.has(text, part)
  if type(text) ~= 'string' or not text:find(part, 1, true) then
    error(('`%s` is not in\n%s'):format(part, inspect(text)), 2)
  end
end

--- Fails unless the condition holds.
function M.check(holds, what)
  if not holds then
    error(what, 2)
  end
end

--- Waits until `done` returns a value, and returns it.
function M.wait(what, done)
  local result
  local is_done = vim.wait(PATIENCE_MS, function()
    result = done()
    return result
  end, 2)
  if not is_done then
    error('waited in vain for ' .. what, 2)
  end
  return result
end

---@class Child
---@field channel integer
---@field folder string
local Child = {}
Child.__index = Child

--- A Neovim with the plugin on its path, and a project of its own.
---@param files table<string, string>? more files of the project
---@return Child
function M.start(files)
  local folder = vim.fn.tempname()
  vim.fn.mkdir(folder .. '/project/src', 'p')
  vim.fn.mkdir(folder .. '/home', 'p')
  local all = vim.tbl_extend('keep', files or {}, {
    ['composer.json'] = '{}\n',
    ['src/a.php'] = '<?php\n$first = 1;\n',
    ['notes.md'] = 'Once [[[20]]] upon\n',
  })
  for name, content in pairs(all) do
    vim.fn.mkdir(vim.fs.dirname(folder .. '/project/' .. name), 'p')
    local file = assert(io.open(folder .. '/project/' .. name, 'wb'))
    file:write(content)
    file:close()
  end
  local home = folder .. '/home'
  local command = vim.list_extend(vim.list_slice(M.nvim), { '--embed' })
  local child = M.start_at(folder .. '/project', command, {
    HOME = home,
    XDG_CONFIG_HOME = home,
    XDG_STATE_HOME = home,
    XDG_CACHE_HOME = home,
    XDG_DATA_HOME = home,
    XDG_RUNTIME_DIR = home,
  })
  child:lua([[
    vim.opt.runtimepath:prepend(...)
    vim.o.swapfile = false
    vim.cmd.filetype('on')
    vim.cmd.runtime('plugin/fimd.lua')
  ]], M.plugin)
  return child
end

--- A Neovim in `folder`, whose messages to the user are recorded.
---@param folder string
---@param command string[]
---@param env table<string, string>
---@return Child
function M.start_at(folder, command, env)
  local channel = vim.fn.jobstart(command, { rpc = true, cwd = folder, env = env })
  local child = setmetatable({ channel = channel, folder = folder }, Child)
  child:lua([[
    vim.g.told = {}
    vim.notify = function(message, level)
      local told = vim.g.told
      table.insert(told, { message, level or vim.log.levels.INFO })
      vim.g.told = told
    end
  ]])
  return child
end

--- Calls a function of the child's API.
function Child:api(name, ...)
  return vim.rpcrequest(self.channel, 'nvim_' .. name, ...)
end

--- Runs Lua in the child, with arguments as `...`.
function Child:lua(code, ...)
  return self:api('exec_lua', code, { ... })
end

--- Types keys.
function Child:type(keys)
  self:api('input', keys)
end

--- Runs an Ex command.
function Child:cmd(command)
  return self:api('exec2', command, { output = true }).output
end

--- The command line of the fake server.
function M.fake(...)
  return vim.list_extend(vim.list_slice(M.nvim), { '-l', M.fake_server, ... })
end

--- Sets the plugin up with the fake server.
function Child:setup(options)
  self:lua('require("fimd").setup(...)', vim.tbl_extend('keep', options or {}, {
    cmd = M.fake(),
    connection = 'process',
    debounce_ms = 0,
  }))
end

--- Opens a file of the project.
function Child:edit(name)
  self:cmd('edit ' .. self.folder .. '/' .. name)
end

--- Waits until the server of the current buffer answers.
function Child:ready()
  M.wait('the server', function()
    return self:lua([[
      return require('fimd.server').client(vim.api.nvim_get_current_buf()) ~= nil
    ]])
  end)
end

--- Sends a notification to the fake server of the current buffer.
function Child:tell(method, params)
  self:lua([[
    local method, params = ...
    local server = require('fimd.server')
    local client = server.client(vim.api.nvim_get_current_buf())
    server.call(client, 'notify', 'fake/' .. method, params)
  ]], method, params)
end

--- Sends a request to the fake server of the current buffer.
function Child:ask(method, params)
  local answer = self:lua([[
    local method, params = ...
    local server = require('fimd.server')
    local buf = vim.api.nvim_get_current_buf()
    local client = server.client(buf)
    return server.call(client, 'request_sync', 'fake/' .. method, params, 10000, buf)
  ]], method, params or vim.empty_dict())
  return answer.result
end

--- The parameters of all messages of a method that the fake server has received.
function Child:got(method)
  local params = {}
  for _, message in ipairs(self:ask('log')) do
    if message.method == method then
      params[#params + 1] = message.params
    end
  end
  return params
end

--- How many requests of a method the client has cancelled.
function Child:cancelled(method)
  local ids, count = {}, 0
  for _, message in ipairs(self:ask('log')) do
    if message.method == method then
      ids[message.id] = true
    elseif message.method == '$/cancelRequest' and ids[message.params.id] then
      count = count + 1
    end
  end
  return count
end

--- The lines of the current buffer.
function Child:lines()
  return self:api('buf_get_lines', 0, 0, -1, true)
end

--- The grey text, which is not in the buffer.
function Child:ghost()
  local text = self:lua('return require("fimd").visible()')
  return text ~= vim.NIL and text or nil
end

--- Waits until the child shows that grey text.
function Child:await_ghost(text)
  M.wait(('the ghost text `%s`'):format(text), function()
    return self:ghost() == text
  end)
end

--- The extmarks of the grey text.
function Child:marks()
  return self:lua([[
    local namespace = vim.api.nvim_create_namespace('fimd.ghost')
    return vim.api.nvim_buf_get_extmarks(0, namespace, 0, -1, { details = true })
  ]])
end

--- The screen, a string per row, without blanks at the end.
function Child:screen()
  return self:lua([[
    vim.cmd.redraw()
    local rows = {}
    for row = 1, vim.o.lines do
      local cells = {}
      for column = 1, vim.o.columns do
        cells[column] = vim.fn.screenstring(row, column)
      end
      rows[row] = table.concat(cells):gsub('%s+$', '')
    end
    return rows
  ]])
end

--- The messages to the user that contain `part`, which is no pattern.
function Child:told(part)
  for _, entry in ipairs(self:api('get_var', 'told')) do
    if entry[1]:find(part, 1, true) then
      return entry[1]
    end
  end
end

--- Waits for a message to the user that contains `part`, which is no pattern.
function Child:await_told(part)
  return M.wait(('being told `%s`'):format(part), function()
    return self:told(part)
  end)
end

--- All messages to the user, and errors that Neovim has shown.
function Child:errors()
  return self:api('get_vvar', 'errmsg')
end

--- Items of an answer to `textDocument/inlineCompletion`, for a place.
function M.items(row, column, ...)
  local here = { line = row, character = column }
  return {
    items = vim.tbl_map(function(text)
      return {
        insertText = text,
        range = { start = here, ['end'] = here },
        command = {
          title = '',
          command = 'fimd.completion.accepted',
          arguments = { { text = text } },
        },
      }
    end, { ... }),
    timings = { context_ms = 1, first_token_ms = 2, total_ms = 3, cached = false },
  }
end

function Child:quit()
  vim.fn.jobstop(self.channel)
  vim.fn.jobwait({ self.channel }, PATIENCE_MS)
end

function Child:stop()
  self:quit()
  vim.fn.delete(vim.fs.dirname(self.folder), 'rf')
end

local tests = {}

--- Defines a test that calls `body(child)` with a Neovim of its own.
function M.test(name, body, files)
  tests[#tests + 1] = { name = name, body = body, files = files }
end

--- Runs the tests whose name contains `only`. Returns how many failed.
function M.run(only)
  local failed, ran = 0, 0
  for _, test in ipairs(tests) do
    if not only or test.name:find(only, 1, true) then
      ran = ran + 1
      local child = M.start(test.files)
      local holds, why = xpcall(test.body, debug.traceback, child)
      local is_alive, errors = pcall(child.errors, child)
      if holds and (not is_alive or errors ~= '') then
        holds, why = false, is_alive and 'Neovim says: ' .. errors or 'Neovim has ended'
      end
      if not holds then
        failed = failed + 1
        local got, told = pcall(child.api, child, 'get_var', 'told')
        io.stdout:write(('FAILED %s: %s\n'):format(test.name, why))
        io.stdout:write(got and ('  told: %s\n'):format(vim.inspect(told)) or '')
      end
      child:stop()
    end
  end
  io.stdout:write(('%d tests, %d failed\n'):format(ran, failed))
  return ran > 0 and failed or 1
end

return M
