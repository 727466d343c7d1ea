-- The plugin against the real fimd and its daemon, from `setup` to grey text.
--
-- nvim --headless -u NONE -l editors/nvim/tests/real.lua FIMD URL
--
-- URL is that of a model server that answers `total();` in PHP, or `weigh();` to a
-- request with a seed, and `a small`, ` cat` and an end of line elsewhere. If the
-- prompt contains `slow`, the server answers `never` and then nothing. Prints one line
-- if all checks pass.

local here = vim.fs.dirname(vim.fn.fnamemodify(debug.getinfo(1, 'S').source:sub(2), ':p'))
package.path = here .. '/?.lua;' .. package.path

local t = require('harness')
local fimd, url = unpack(arg)

local PHP = '<?php\nfunction pay(Order $order): int {\n    return 1;\n}\n'

-- Enough to cut examples from.
local shelf = { '<?php', 'class Shelf', '{', '    private array $books = [];', '' }
for number = 1, 30 do
  vim.list_extend(shelf, {
    ('    public function add%d(string $title, int $year): void'):format(number),
    '    {',
    ('        $key = strtolower($title) . "-" . ($year + %d);'):format(number),
    ('        $this->books[$key] = ["title" => $title, "row" => %d];'):format(number * 7),
    '    }',
    '',
  })
end
table.insert(shelf, '}\n')

local child = t.start({
  ['../home/fimd/settings.toml'] = ('[endpoint]\nurl = "%s"\n'):format(url),
  ['src/Order.php'] = '<?php\nclass Order {\n    public function total(): int { return 1; }\n}\n',
  ['src/Shelf.php'] = table.concat(shelf, '\n'),
  ['src/pay.php'] = PHP,
  ['notes.md'] = 'Once [[[20]]]upon\n',
  ['slow.md'] = 'slow [[[20]]] end\n',
})

local function is_running()
  return child:lua([[return require('fimd.tags').is_running(vim.api.nvim_get_current_buf())]])
end

local function await_end()
  t.wait('the end of the run', function()
    return not is_running()
  end)
end

local function await_lines(...)
  local wanted = { ... }
  t.wait('the lines ' .. vim.inspect(wanted), function()
    return vim.deep_equal(child:lines(), wanted)
  end)
end

local function completion()
  child:edit('src/pay.php')
  child:ready()
  child:api('win_set_cursor', 0, { 2, 0 })
  child:type('o    $sum = $order->')
  child:await_ghost('total();')
  t.same(child:screen()[3], '    $sum = $order->total();')
  child:type('to')
  child:await_ghost('tal();')
  child:type('<Tab>')
  t.wait('the text', function()
    return child:lines()[3] == '    $sum = $order->total();'
  end)
  child:type('<Esc>')
  local context = child:lua([[return require('fimd').get_context_now(0, nil, 20000)]])
  t.has(context, 'function total(): int;')
  child:cmd('Fimd context')
  t.wait('the context', function()
    return table.concat(child:lines(), '\n'):find('// sent:', 1, true)
  end)
  child:cmd('close')
end

--- Waits until as many completions are answered as the function does.
local function await_answer(act)
  local count = 'return vim.g.answers'
  child:lua([[
    vim.g.answers = 0
    vim.g.counter = vim.api.nvim_create_autocmd('LspRequest', {
      callback = function(event)
        local request = event.data.request
        if request.type == 'complete' and request.method == 'textDocument/inlineCompletion' then
          vim.g.answers = vim.g.answers + 1
        end
      end,
    })
  ]])
  act()
  t.wait('the answer', function()
    return child:lua(count) > 0
  end)
  child:lua('vim.api.nvim_del_autocmd(vim.g.counter)')
end

--- Other completions, and those that the user does not want.
local function others()
  child:api('win_set_cursor', 0, { 2, 0 })
  child:type('o    $other = $order->')
  child:await_ghost('total();')
  child:type('<M-]>')
  child:await_ghost('weigh();')
  child:type('<M-]>')
  child:await_ghost('total();')
  child:cmd('Fimd previous')
  child:await_ghost('weigh();')
  child:cmd('Fimd next')
  child:await_ghost('total();')
  child:type('w')
  -- Neither is wanted: one is typed away, with a slip taken back before.
  child:await_ghost('eigh();')
  child:type('<BS>')
  child:await_ghost('weigh();')
  child:type('<C-]>')
  t.wait('nothing to be shown', function()
    return child:ghost() == nil
  end)
  await_answer(function()
    child:type('x')
  end)
  child:await_ghost('total();')
  await_answer(function()
    child:type('<BS>')
  end)
  t.same(child:ghost(), nil)
  -- By hand it may come again.
  child:type('<M-\\>')
  child:await_ghost('weigh();')
  child:type('<Esc>')
end

local function tags()
  child:edit('notes.md')
  child:ready()
  child:api('win_set_cursor', 0, { 1, 7 })
  child:cmd('Fimd generate')
  await_lines('Once a small cat', 'upon')
  await_end()
  child:cmd('undo')
  t.same(child:lines(), { 'Once [[[20]]]upon' })
  child:cmd('redo')
  child:type('G$')
  child:cmd('Fimd repeat')
  await_lines('Once a small cat', 'upona small cat', '')
  await_end()
  child:cmd('undo')
  t.same(child:lines(), { 'Once a small cat', 'upon' })
  child:cmd('Fimd paste')
  await_lines('Once a small cat', 'upon[[[20]]]')
  -- The text comes before the answer that ends the command.
  await_end()
  child:cmd('undo')
  t.same(child:lines(), { 'Once a small cat', 'upon' })
  child:cmd('Fimd generate')
  child:await_told('no tag at line 2, column')
  child:cmd('Fimd log')
  t.wait('the log', function()
    return vim.startswith(child:api('buf_get_name', 0), 'fimd://log')
  end)
  t.has(table.concat(child:lines(), '\n'), 'a small cat')
  child:cmd('close')
end

local function interrupt()
  child:edit('slow.md')
  child:ready()
  child:api('win_set_cursor', 0, { 1, 7 })
  child:cmd('Fimd generate')
  t.wait('the first text', function()
    return vim.startswith(child:lines()[1], 'slow never')
  end)
  child:cmd('Fimd interrupt')
  await_lines('slow [[[20]]] end')
  await_end()
end

local function style()
  child:type('o[[[{fgColor:"#abc"}]]]<Esc>')
  t.wait('the tag', function()
    return #child:lines() == 2 and child:api('get_mode').mode == 'n'
  end)
  child:cmd('Fimd apply')
  t.wait('the colour', function()
    return child:api('get_hl', 0, { name = 'FimdNormal' }).fg == 0xaabbcc
  end)
end

local function dataset()
  child:cmd('Fimd dataset ../out dedup=off')
  child:await_told('the dataset: done')
  t.check(vim.uv.fs_stat(child.folder .. '/../out/metadata.json'), 'no dataset')
end

--- The report of `:checkhealth fimd`.
local function report()
  child:cmd('checkhealth fimd')
  local lines = t.wait('the report', function()
    return #child:lines() > 3 and table.concat(child:lines(), '\n')
  end)
  child:cmd('bwipeout')
  return lines
end

local function write_settings(text, folder)
  local file = assert(io.open((folder or child.folder) .. '/../home/fimd/settings.toml', 'wb'))
  file:write(text)
  file:close()
end

local function health()
  local well = report()
  t.has(well, fimd .. ': fimd ')
  t.has(well, "the daemon's socket is ")
  t.has(well, 'model: ' .. url)
  t.check(not well:find('ERROR'), well)
  -- Nothing listens on port 1.
  write_settings('[endpoint]\nurl = "http://127.0.0.1:1"\n')
  local down = report()
  t.has(down, 'ERROR model: http://127.0.0.1:1')
  t.has(down, 'cannot reach the model server')
  write_settings('[endpoint]\nurll = "http://127.0.0.1:1"\n')
  local typo = report()
  t.has(typo, 'ERROR settings: ')
  t.has(typo, 'settings.toml:2')
  t.has(typo, 'urll')
  write_settings(('[endpoint]\nurl = "%s"\n'):format(url))
end

local function status()
  child:edit('src/pay.php')
  child:ready()
  child:cmd('Fimd status')
  return t.wait('the process', function()
    return tonumber(table.concat(child:lines(), '\n'):match('\npid%s+(%d+)'))
  end)
end

--- Ends a daemon by its process id.
local function kill(pid)
  vim.uv.kill(pid, 'sigterm')
  t.wait('the end of the daemon', function()
    return vim.uv.kill(pid, 0) ~= 0
  end)
end

--- The plugin reports a mistake in the settings file once, in the program's own
--- words.
local function wrong_settings(connection)
  local own = t.start({ ['../home/fimd/settings.toml'] = '[endpoint]\nurll = "x"\n' })
  local holds, why = xpcall(function()
    own:lua('require("fimd").setup(...)', { cmd = { fimd }, connection = connection })
    own:edit('src/a.php')
    own:await_told('settings.toml:2: endpoint.urll: unknown')
    own:edit('notes.md')
    own:edit('src/a.php')
    own:cmd('Fimd complete')
    local told = own:api('get_var', 'told')
    t.same(#told, 2, vim.inspect(told))
    t.has(told[2][1], 'endpoint.urll: unknown')
    t.same(own:cmd('messages'), '')
    write_settings(('[endpoint]\nurl = "%s"\n'):format(url), own.folder)
    own:cmd('Fimd restart')
    own:ready()
    if connection == 'daemon' then
      own:cmd('Fimd status')
      local pid = t.wait('the process', function()
        return tonumber(table.concat(own:lines(), '\n'):match('\npid%s+(%d+)'))
      end)
      own:cmd('Fimd disable')
      kill(pid)
    end
    t.same(own:errors(), '')
  end, debug.traceback)
  own:stop()
  if not holds then
    error(why, 0)
  end
end

child:lua('require("fimd").setup(...)', { cmd = { fimd }, keymaps = true, apply_style = true })
local daemon
local holds, why = xpcall(function()
  child:edit('notes.md')
  child:ready()
  daemon = status()
  for _, part in ipairs({ completion, others, tags, interrupt, style, dataset, health }) do
    part()
  end
  t.same(child:errors(), '')
  wrong_settings('process')
  wrong_settings('daemon')
end, debug.traceback)
local told = vim.inspect(child:api('get_var', 'told'))
-- The plugin would start the daemon again while it runs.
child:stop()
if daemon then
  kill(daemon)
end
if not holds then
  io.stderr:write(('%s\ntold: %s\n'):format(why, told))
  os.exit(1)
end
io.stdout:write('completion, tags and all else work in Neovim ' .. tostring(vim.version()) .. '\n')
