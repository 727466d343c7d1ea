local t = require('harness')

t.test('command: subcommands are completed', function(child)
  t.same(child:lua([[return vim.fn.getcompletion('Fimd ', 'cmdline')]]), {
    'accept', 'apply', 'complete', 'context', 'dataset', 'disable', 'dismiss', 'enable', 'generate',
    'interrupt', 'log', 'next', 'paste', 'previous', 'repeat', 'restart', 'snooze', 'status',
  })
  t.same(child:lua([[return vim.fn.getcompletion('Fimd re', 'cmdline')]]), { 'repeat', 'restart' })
  t.same(child:lua([[return vim.fn.getcompletion('Fimd accept w', 'cmdline')]]), { 'word' })
  t.same(child:lua([[return vim.fn.getcompletion('Fimd status ', 'cmdline')]]), {})
  t.same(child:lua([[return vim.fn.getcompletion('Fimd dataset s', 'cmdline')]]), { 'src/' })
end)

t.test('command: an unknown subcommand or argument says what there is', function(child)
  child:setup()
  child:cmd('Fimd fly')
  t.has(child:told('fly'), '`fly` is not a subcommand: there are accept, apply')
  child:cmd('Fimd accept half')
  t.has(child:told('half'), 'accept: expected all, line, word, found `half`')
end)

t.test('command: every one is in the help', function(child)
  local help = table.concat(vim.fn.readfile(t.plugin .. '/doc/fimd.txt'), '\n')
  for _, name in ipairs(child:lua([[return require('fimd.command').names()]])) do
    t.has(help, ('*:Fimd-%s*'):format(name))
  end
  for action, entry in pairs(child:lua([[return require('fimd.config').actions]])) do
    t.has(help, ('<Plug>(fimd-%s)'):format((action:gsub('_', '-'))))
    t.has(help, entry[2])
  end
  for group in pairs(child:lua([[return require('fimd.highlight').links]])) do
    t.has(help, ('*hl-%s*'):format(group))
  end
  for name in pairs(child:lua([[
    local functions = {}
    for name, value in pairs(require('fimd')) do
      functions[name] = type(value) == 'function'
    end
    return functions
  ]])) do
    t.has(help, ('*fimd.%s()*'):format(name))
  end
end)

t.test('help: its tags resolve', function(child)
  child:lua([[
    vim.fn.mkdir('plugin-copy', 'p')
    vim.fn.system({ 'cp', '-r', ... , 'plugin-copy/doc' })
    vim.cmd.helptags('plugin-copy/doc')
    vim.opt.runtimepath:prepend('plugin-copy')
  ]], t.plugin .. '/doc')
  child:cmd('help fimd')
  t.has(child:api('buf_get_name', 0), 'fimd.txt')
  local text = table.concat(child:lines(), '\n')
  local links = 0
  for link in text:gmatch('|([^|%s]+)|') do
    links = links + 1
    child:cmd('help ' .. link)
  end
  t.check(links > 10, 'no links')
  for _, line in ipairs(child:lua([[return vim.fn.readfile(...)]], t.plugin .. '/doc/fimd.txt')) do
    t.check(#line <= 79, 'too long: ' .. line)
  end
end)

t.test('context: other plugins get it', function(child)
  child:setup()
  child:edit('src/a.php')
  child:lua([[
    require('fimd').get_context(0, { 2, 3 }, function(why, answer)
      vim.g.answer = { why or false, answer or false }
    end, { max_chars = 600 })
  ]])
  child:ready()
  child:tell('answer', { method = 'getContext', result = { context = 'class A {}' } })
  t.wait('an answer', function()
    return child:lua('return vim.g.answer ~= nil')
  end)
  t.same(child:got('getContext')[1], {
    textDocument = { uri = child:lua('return vim.uri_from_bufnr(0)') },
    position = { line = 1, character = 3 },
    max_chars = 600,
  })
  t.same(child:lua([[return { require('fimd').get_context_now(0, nil, 10000) }]]), { 'class A {}' })
  child:tell('answer', { method = 'getContext', error = { code = -32603, message = 'broken' } })
  t.same(child:lua([[return (select(2, require('fimd').get_context_now(0, nil, 10000)))]]), 'broken')
  child:tell('hold', { method = 'getContext' })
  t.same(
    child:lua([[return (select(2, require('fimd').get_context_now(0, nil, 1)))]]),
    'no answer within 1 ms'
  )
  t.wait('the request to be taken back', function()
    return child:cancelled('getContext') == 1
  end)
  child:cmd('enew')
  t.has(child:lua([[return (select(2, require('fimd').get_context_now(0, nil, 1)))]]), 'has no name')
end)

t.test('context: shown with where it is from', function(child)
  child:setup()
  child:edit('src/a.php')
  child:ready()
  child:tell('answer', {
    method = 'getContext',
    result = {
      context = 'class A {}\nclass B {}',
      snippets = {
        { path = 'A.php', start = 1, ['end'] = 9, source = 'dependency', score = 0.5, chars = 10 },
      },
      dropped = {
        { path = 'B.php', start = 0, ['end'] = 5, source = 'bm25', score = 1, chars = 5, reason = 'no room' },
      },
    },
  })
  child:cmd('Fimd context')
  t.wait('the context', function()
    return child:lines()[1] == 'class A {}'
  end)
  t.same(child:lines(), {
    'class A {}',
    'class B {}',
    '',
    '// sent:',
    '//  A.php:1-9  dependency 0.5000',
    '',
    '// left out:',
    '//  B.php:0-5  bm25 1.0000: no room',
  })
  child:type('q')
  t.wait('the window to be closed', function()
    return child:lua('return vim.fn.expand("%:t")') == 'a.php'
  end)
end)

t.test('dataset: options become parameters, progress is shown, the end is told', function(child)
  child:setup()
  child:edit('src/a.php')
  child:ready()
  child:tell('answer', { method = 'generateDataset', result = { job_id = 'j1' } })
  child:cmd('Fimd dataset out base-model=granite-code bm25_context=true seed=7')
  local params = t.wait('the request', function()
    return child:got('generateDataset')[1]
  end)
  t.same(params, {
    output = child.folder .. '/out',
    base_model = 'granite-code',
    bm25_context = true,
    seed = 7,
  })
  t.wait('the job', function()
    return #child:lua([[return require('fimd.dataset').running()]]) == 1
  end)
  local function progress(value)
    child:tell('send', { method = '$/progress', params = { token = 'j1', value = value } })
  end
  progress({ kind = 'begin', title = 'Generating a dataset', percentage = 0, message = 'reading' })
  progress({ kind = 'report', percentage = 40, message = '4 of 10 files' })
  t.wait('the progress', function()
    return vim.iter(child:screen()):any(function(row)
      return row:find('Generating a dataset 40 %: 4 of 10 files', 1, true) ~= nil
    end)
  end)
  child:tell('answer', { method = 'job/status', result = { state = 'done', examples = 12 } })
  progress({ kind = 'end', message = 'done' })
  child:await_told('the dataset: done, 12 examples')
  t.same(child:lua([[return require('fimd.dataset').running()]]), {})
end)

t.test('dataset: cancelled', function(child)
  child:setup()
  child:edit('src/a.php')
  child:ready()
  child:cmd('Fimd dataset cancel')
  child:await_told('no dataset is being generated')
  child:tell('answer', { method = 'generateDataset', result = { job_id = 'j1' } })
  child:cmd('Fimd dataset out')
  t.wait('the job', function()
    return #child:lua([[return require('fimd.dataset').running()]]) == 1
  end)
  child:cmd('Fimd dataset cancel')
  t.wait('the request', function()
    return vim.deep_equal(child:got('job/cancel'), { { job_id = 'j1' } })
  end)
end)

t.test('dataset: what makes no sense is an error', function(child)
  child:setup()
  child:edit('src/a.php')
  child:ready()
  child:cmd('Fimd dataset')
  child:await_told('expected the folder to write to')
  child:cmd('Fimd dataset out seed')
  child:await_told('expected NAME=VALUE, found `seed`')
  child:tell('answer', {
    method = 'generateDataset',
    error = { code = -32602, message = 'output: cannot be made' },
  })
  child:cmd('Fimd dataset out')
  child:await_told('output: cannot be made')
end)

t.test('status: projects, and what the server says', function(child)
  child:setup()
  child:edit('src/a.php')
  child:ready()
  child:tell('answer', {
    method = 'fimd/status',
    result = { version = '1.2.3', methods = { getContext = { requests = 5 } } },
  })
  child:cmd('Fimd status')
  t.wait('the status', function()
    return child:lines()[1]:find('this buffer belongs to', 1, true)
  end)
  local text = table.concat(child:lines(), '\n')
  t.has(text, child.folder .. ': fimd 0.0.0-fake runs, 1 buffer')
  t.has(text, '3 files, 7 chunks')
  t.has(text, 'status of {')
  t.has(text, '"requests":5')
end)

local function health(child)
  child:cmd('checkhealth fimd')
  local lines = t.wait('the report', function()
    local lines = child:lines()
    return #lines > 3 and lines
  end)
  return table.concat(lines, '\n')
end

t.test('health: what is wrong, and what to do', function(child)
  child:setup({ cmd = { '/nowhere/fimd' }, connection = 'daemon', socket = '/' .. ('x'):rep(120) })
  local report = health(child)
  t.has(report, '`/nowhere/fimd` is not an executable program')
  t.has(report, 'the path of the socket has 121 bytes')
  child:cmd('bwipeout')
  child:setup({ cmd = { 'echo' } })
  t.has(health(child), 'is not fimd')
end)

t.test('context: out of insert mode, of the place behind the last character', function(child)
  child:setup({ automatic = false })
  child:edit('src/a.php')
  child:ready()
  child:tell('answer', { method = 'getContext', result = { context = 'class A {}' } })
  for _, case in ipairs({ { '$', 11 }, { '0', 0 }, { '0l', 1 } }) do
    local before = #child:got('getContext')
    child:type('2G' .. case[1])
    child:cmd('Fimd context')
    t.wait('the context', function()
      return child:lines()[1] == 'class A {}'
    end)
    child:cmd('close')
    local asked = child:got('getContext')
    t.same(asked[before + 1].position, { line = 1, character = case[2] }, case[1])
  end
end)

t.test('health: not set up', function(child)
  t.has(health(child), 'fimd is not set up')
end)

t.test('native: without it, that of the plugin', function(child)
  if child:lua('return vim.lsp.inline_completion ~= nil') then
    return
  end
  child:setup({ native = true, keymaps = true, automatic = false })
  child:await_told('this Neovim has no inline completion of its own')
  child:edit('src/a.php')
  child:ready()
  child:tell('answer', { method = 'textDocument/inlineCompletion', result = t.items(2, 2, 'b') })
  child:type('Go$a<M-\\>')
  child:await_ghost('b')
end)

t.test('native: Neovim shows and accepts', function(child)
  if not child:lua('return vim.lsp.inline_completion ~= nil') then
    return
  end
  child:setup({ native = true, keymaps = true })
  child:edit('src/a.php')
  child:ready()
  child:tell('answer', { method = 'textDocument/inlineCompletion', result = t.items(2, 8, 'total()') })
  child:type('Go$order->')
  t.wait('the ghost text', function()
    return child:screen()[3] == '$order->total()'
  end)
  t.same(child:lines()[3], '$order->')
  child:type('<Tab>')
  t.wait('the text', function()
    return child:lines()[3] == '$order->total()'
  end)
  t.wait('the command', function()
    return child:got('workspace/executeCommand')[1]
  end)
end)
