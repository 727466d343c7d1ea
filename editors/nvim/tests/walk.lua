-- The first hour of a new user, with the real program: from an empty home to an
-- uninstalled fimd.
--
-- nvim --headless -u NONE -l editors/nvim/tests/walk.lua FIMD
--
-- Neovim starts with the user's own configuration, the plugin is a package, and the
-- program is found on the PATH. Prints one line if all holds.

local here = vim.fs.dirname(vim.fn.fnamemodify(debug.getinfo(1, 'S').source:sub(2), ':p'))
package.path = here .. '/?.lua;' .. package.path

local t = require('harness')
local fimd = vim.fn.fnamemodify(arg[1], ':p')
local model = require('model_server').start('total();')

local home = vim.fn.tempname()
local plugin = home .. '/.local/share/nvim/site/pack/fimd/start/fimd'
local settings = home .. '/.config/fimd/settings.toml'

local function write(path, text)
  vim.fn.mkdir(vim.fs.dirname(path), 'p')
  local file = assert(io.open(path, 'wb'))
  file:write(text)
  file:close()
end

local function project(name, class)
  write(('%s/%s/composer.json'):format(home, name), '{}\n')
  write(('%s/%s/src/Order.php'):format(home, name), class)
  write(
    ('%s/%s/src/pay.php'):format(home, name),
    '<?php\nfunction pay(Order $order): int {\n    return 1;\n}\n'
  )
  write(('%s/%s/notes.md'):format(home, name), 'Once [[[20]]] upon\n')
end

local function install()
  vim.fn.mkdir(home .. '/bin', 'p')
  assert(vim.uv.fs_symlink(fimd, home .. '/bin/fimd'))
  vim.fn.mkdir(vim.fs.dirname(plugin), 'p')
  assert(vim.uv.fs_symlink(t.plugin, plugin))
  write(
    home .. '/.config/nvim/init.lua',
    "vim.o.swapfile = false\nrequire('fimd').setup({ keymaps = true })\n"
  )
end

local env = {
  HOME = home,
  PATH = home .. '/bin:' .. vim.env.PATH,
  XDG_RUNTIME_DIR = home .. '/run',
}
for name, folder in pairs({
  CONFIG = '.config',
  STATE = '.local/state',
  CACHE = '.cache',
  DATA = '.local/share',
}) do
  env[('XDG_%s_HOME'):format(name)] = home .. '/' .. folder
end

--- Runs a command of the program, as in a shell.
local function shell(...)
  return vim.system({ fimd, ... }, { env = env, text = true }):wait()
end

local child

--- How many messages to the user contain `part`.
local function times_told(part)
  return #vim.tbl_filter(function(entry)
    return entry[1]:find(part, 1, true) ~= nil
  end, child:api('get_var', 'told'))
end

local lines = 0

--- Types a member access in a new line, and takes it back when `done` returns. No line
--- is like another one, so that the server has no answer without the model.
local function type_member(done)
  lines = lines + 1
  child:api('win_set_cursor', 0, { 2, 0 })
  child:type(('o    $sum%d = $order->'):format(lines))
  done()
  child:type('<Esc>')
  t.wait('normal mode', function()
    return child:api('get_mode').mode == 'n'
  end)
  child:cmd('undo')
end

--- How many requests for completions were answered.
local function answered()
  return child:api('get_var', 'answered')
end

local function await_grey_text()
  type_member(function()
    child:await_ghost('total();')
  end)
end

local function statusline()
  return child:lua([[return require('fimd').statusline()]])
end

local WRONG = '[endpoint]\nurll = "x"\n'
local right = ('[endpoint]\nurl = "%s"\n'):format(model.url)

--- A mistake in the settings keeps the program from starting. It tells why, once, and
--- works as soon as the mistake is mended.
local function wrong_settings()
  write(settings, WRONG)
  child:cmd('edit one/src/pay.php')
  child:await_told('settings.toml:2: endpoint.urll: unknown')
  child:type('i<Esc>')
  child:cmd('edit one/notes.md')
  child:cmd('edit one/src/pay.php')
  child:type('i<Esc>')
  t.wait('the end of another try', function()
    return statusline() == 'fimd: not running'
  end)
  write(settings, right)
  t.wait('the server', function()
    child:type('i<Esc>')
    return statusline():find('qwen2.5-coder', 1, true)
  end)
  t.same(times_told('endpoint.urll'), 1)
end

local function server_down()
  model:down()
  type_member(function()
    child:await_told('cannot reach the model')
  end)
  t.same(statusline(), 'fimd: no model server')
  local before = answered()
  type_member(function()
    t.wait('another answer', function()
      return answered() > before
    end)
  end)
  t.same(times_told('cannot reach the model'), 1)
  t.check(not child:told('cannot reach the model'):find('\n'), 'more than one line')
end

local function server_up()
  model:up()
  await_grey_text()
  child:await_told('the model server answers again')
  await_grey_text()
  t.same(times_told('the model server answers again'), 1)
  t.same(times_told('cannot reach the model'), 1)
  t.has(statusline(), ' ms')
end

--- A mistake while it runs: the last good settings stay in use.
local function mistake_while_running()
  write(settings, WRONG)
  child:await_told('the last good settings stay in use')
  await_grey_text()
  write(settings, right .. 'model = "tiny"\n')
  t.wait('the new settings', function()
    return statusline():find('tiny', 1, true)
  end)
  t.same(times_told('the last good settings stay in use'), 1)
end

--- Each project has its own class of one name, also a project inside another one.
local function several_projects()
  local methods = { one = 'total', two = 'refund', ['one/packages/inner'] = 'discount' }
  for _, name in ipairs({ 'two', 'one/packages/inner', 'one' }) do
    child:cmd(('edit %s/src/pay.php'):format(name))
    child:ready()
    await_grey_text()
    local prompt = model.prompts[#model.prompts]
    for of, method in pairs(methods) do
      local is_there = prompt:find(('function %s(): int;'):format(method), 1, true) ~= nil
      t.same(is_there, of == name, ('the class of %s for %s: %s'):format(of, name, prompt))
    end
  end
end

local function tags()
  child:cmd('edit one/notes.md')
  child:ready()
  child:api('win_set_cursor', 0, { 1, 7 })
  model.answer = 'a cat'
  child:cmd('Fimd generate')
  t.wait('the text', function()
    return child:lines()[1] == 'Once a cat upon'
  end)
  t.wait('the end of the run', function()
    return not child:lua([[return require('fimd.tags').is_running(vim.api.nvim_get_current_buf())]])
  end)
  child:cmd('undo')
  t.same(child:lines(), { 'Once [[[20]]] upon' })
  child:cmd('Fimd log')
  t.wait('the log', function()
    return table.concat(child:lines(), '\n'):find('a cat', 1, true)
  end)
  t.same(child:lines(), vim.split(vim.trim(shell('tags', 'log').stdout), '\n'))
  child:cmd('close')
end

--- What `:Fimd status` shows, which is what the shell shows. Returns the daemon's pid.
local function status()
  child:cmd('Fimd status')
  local text = t.wait('the status', function()
    local text = table.concat(child:lines(), '\n')
    return text:find('\nversion  ') and text
  end)
  child:cmd('close')
  t.has(text, 'model server: ' .. model.url)
  t.check(text:find('first text after %d+ ms, 10 tokens read, 1090 reused\n'), text)
  local printed = shell('status').stdout
  for _, line in ipairs({ 'version  [^\n]*', 'pid      %d+', 'settings [^\n]*' }) do
    t.same(text:match('\n(' .. line .. ')'), ('\n' .. printed):match('\n(' .. line .. ')'))
  end
  return tonumber(text:match('\npid      (%d+)'))
end

local function health()
  child:cmd('checkhealth fimd')
  local report = t.wait('the report', function()
    return #child:lines() > 3 and table.concat(child:lines(), '\n')
  end)
  child:cmd('bwipeout')
  t.check(not report:find('ERROR'), report)
  t.has(report, home .. '/bin/fimd: fimd ')
  t.has(report, 'model: ' .. model.url)
end

--- Removes fimd as the documents say. They name what stays.
local function uninstall(pid)
  child:quit()
  t.same(shell('stop').code, 0)
  t.wait('the end of the daemon', function()
    return vim.uv.kill(pid, 0) ~= 0
  end)
  t.check(not vim.uv.fs_stat(home .. '/run/fimd.sock'), 'the socket is left')
  for _, path in ipairs({ '/bin', '/.local/share/nvim/site/pack/fimd', '/.config/nvim' }) do
    vim.fn.delete(home .. path, 'rf')
  end
  local documented = { '.config/fimd/', '.cache/fimd/', '.local/state/fimd/' }
  for path, kind in vim.fs.dir(home, { depth = 20 }) do
    local is_documented = vim.iter(documented):any(function(folder)
      return vim.startswith(path .. '/', folder)
    end)
    t.check(is_documented or not path:find('fimd'), ('left behind: %s, a %s'):format(path, kind))
  end
end

project('one', '<?php\nclass Order {\n    public function total(): int { return 1; }\n}\n')
project(
  'one/packages/inner',
  '<?php\nclass Order {\n    public function discount(): int { return 1; }\n}\n'
)
project('two', '<?php\nclass Order {\n    public function refund(): int { return 1; }\n}\n')
vim.fn.mkdir(home .. '/run', 'p', tonumber('700', 8))
install()
child = t.start_at(home, { vim.v.progpath, '--headless', '--embed' }, env)
child:lua([[
  vim.g.answered = 0
  vim.api.nvim_create_autocmd('LspRequest', {
    callback = function(event)
      local request = event.data.request
      if request.type == 'complete' and request.method == 'textDocument/inlineCompletion' then
        vim.g.answered = vim.g.answered + 1
      end
    end,
  })
]])
local pid
local holds, why = xpcall(function()
  for _, step in ipairs({
    wrong_settings,
    await_grey_text,
    server_down,
    server_up,
    several_projects,
    mistake_while_running,
    tags,
  }) do
    step()
  end
  pid = status()
  health()
  t.same(child:errors(), '')
  uninstall(pid)
end, debug.traceback)
if not holds then
  local is_alive, told = pcall(child.api, child, 'get_var', 'told')
  io.stderr:write(('%s\ntold: %s\n'):format(why, is_alive and vim.inspect(told) or 'Neovim has ended'))
  child:quit()
  shell('stop')
end
vim.fn.delete(home, 'rf')
if not holds then
  os.exit(1)
end
io.stdout:write('the walk holds in Neovim ' .. tostring(vim.version()) .. '\n')
