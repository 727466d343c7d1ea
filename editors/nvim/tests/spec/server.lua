local t = require('harness')

-- Why the plugin leaves the current buffer alone.
local function why_not(child)
  local why = child:lua([[return require('fimd.server').why_not(vim.api.nvim_get_current_buf())]])
  return why ~= vim.NIL and why or nil
end

local function clients(child)
  return child:lua([[
    return vim.iter(vim.lsp.get_clients({ name = 'fimd' })):map(function(client)
      return client.id
    end):totable()
  ]])
end

t.test('server: a daemon is joined, or a process started', function(child)
  child:lua([[require('fimd').setup({ cmd = { 'true', '--no-cache' }, socket = '~/a.sock' })]])
  t.same(
    child:lua([[return require('fimd.server').command()]]),
    { 'true', '--no-cache', 'connect', '--socket', child:lua([[return vim.fs.normalize('~/a.sock')]]) }
  )
  child:lua([[require('fimd').setup({ cmd = { 'true' }, connection = 'process' })]])
  t.same(child:lua([[return require('fimd.server').command()]]), { 'true' })
end)

t.test('server: the socket is in the folder of this user', function(child)
  t.same(
    child:lua([[return require('fimd.config').defaults().socket]]),
    child:lua([[return vim.env.XDG_RUNTIME_DIR .. '/fimd.sock']])
  )
  child:lua([[vim.env.XDG_RUNTIME_DIR = '']])
  t.same(
    child:lua([[return require('fimd.config').defaults().socket]]),
    child:lua([[return vim.env.XDG_CACHE_HOME .. '/fimd/fimd.sock']])
  )
end)

t.test('server: one for each project, told what it needs', function(child)
  child:setup({ include_paths = { '/lib' }, bm25 = false })
  child:edit('src/a.php')
  child:ready()
  local opened = child:got('initialize')[1]
  t.same(opened.initializationOptions, {
    project_root = child.folder,
    include_paths = { '/lib' },
    bm25 = false,
  })
  t.same(opened.capabilities.general.positionEncodings, { 'utf-8' })
  t.same(opened.capabilities.workspace.workspaceEdit.documentChanges, true)
  child:edit('notes.md')
  child:ready()
  t.same(#clients(child), 1)
  child:edit('other/src/c.php')
  child:ready()
  t.same(#clients(child), 2)
  t.same(child:got('initialize')[1].initializationOptions.project_root, child.folder .. '/other')
end, { ['other/composer.json'] = '{}', ['other/src/c.php'] = '<?php\n' })

t.test('server: K and omnifunc are taken in buffers with tags alone', function(child)
  child:lua([[
    vim.api.nvim_create_autocmd('FileType', { pattern = 'php', callback = function(event)
      vim.bo[event.buf].omnifunc = 'phpcomplete#CompletePHP'
    end })
  ]])
  child:setup()
  local function taken()
    return child:lua([[return { vim.fn.maparg('K', 'n'), vim.fn.maparg('K', 'n', false, true).desc or '', vim.bo.omnifunc }]])
  end
  child:edit('notes.md')
  child:ready()
  t.same(taken()[2], 'vim.lsp.buf.hover()')
  t.same(taken()[3], 'v:lua.vim.lsp.omnifunc')
  child:edit('src/a.php')
  child:ready()
  t.same(taken()[2], '')
  t.same(taken()[3], 'phpcomplete#CompletePHP')
  child:lua([[vim.bo.omnifunc = '']])
  child:edit('src/b.php')
  child:ready()
  t.same(taken()[2], '')
end, { ['src/b.php'] = '<?php\n' })

t.test('server: languages have the names that LSP has for them', function(child)
  child:setup()
  child:edit('notes.txt')
  child:cmd('setfiletype text')
  child:ready()
  t.same(child:got('textDocument/didOpen')[1].textDocument.languageId, 'plaintext')
end)

t.test('server: buffers are kept in step', function(child)
  child:setup({ automatic = false })
  child:edit('src/a.php')
  child:ready()
  child:type('Go// 😀<CR>$a<Esc>kx')
  t.wait('the edits', function()
    return #child:lines() == 4 and child:api('get_mode').mode == 'n'
  end)
  local uri = child:lua('return vim.uri_from_bufnr(0)')
  t.wait('the same text', function()
    local text = child:ask('text', { uri = uri }).text
    return text == table.concat(child:lines(), '\n') .. '\n'
  end)
end)

t.test('server: special, remote, unnamed, other and large buffers are left alone', function(child)
  child:setup({ max_buffer_bytes = 100 })
  for _, case in ipairs({
    { 'enew | setfiletype php', 'has no name' },
    { 'help', 'its buftype is `help`' },
    { 'file fugitive:///repo/.git//0/a.php | setfiletype php', 'not on this machine' },
    { 'edit a.lua | setfiletype lua', 'the file type `lua` is neither' },
    { 'edit large.php', 'larger than 100 bytes' },
  }) do
    child:cmd('enew!')
    child:cmd(case[1])
    t.has(why_not(child), case[2])
  end
  t.same(clients(child), {})
end, { ['large.php'] = '<?php ' .. ('x'):rep(100) })

t.test('server: a buffer is attached once it is saved under a name', function(child)
  child:setup()
  child:cmd('enew')
  child:cmd('set filetype=php')
  child:cmd('write ' .. child.folder .. '/new.php')
  child:ready()
end)

t.test('server: without a project the folder is one, but never the home folder', function(child)
  child:setup()
  local home = child:lua([[return vim.env.HOME]])
  child:lua([[vim.fn.mkdir(vim.env.HOME .. '/notes', 'p')]])
  child:cmd('edit ~/notes/a.md')
  t.same(child:lua('return require("fimd.server").root(0)'), home .. '/notes')
  child:cmd('edit ~/a.md')
  local root = child:lua('return require("fimd.server").root(0)')
  t.check(vim.endswith(root, '/fimd/no-project'), root)
  t.same(vim.fn.readdir(root), {})
end)

t.test('server: it ends with its last buffer', function(child)
  child:setup()
  child:edit('src/a.php')
  child:ready()
  child:cmd('bwipeout')
  t.wait('no client', function()
    return #clients(child) == 0
  end)
end)

t.test('server: when it dies it is started again, and knows the buffer as it is', function(child)
  child:setup({ automatic = false })
  child:lua([[require('fimd.server').restart.first_ms = 10]])
  child:edit('src/a.php')
  child:ready()
  local first = clients(child)[1]
  child:type('Go$unsaved = 1;<Esc>')
  child:tell('exit', { code = 3 })
  t.wait('another one', function()
    local now = clients(child)
    return #now == 1 and now[1] ~= first
  end)
  child:ready()
  t.same(child:got('textDocument/didOpen')[1].textDocument.text, '<?php\n$first = 1;\n$unsaved = 1;\n')
end)

t.test('server: delays double, up to a limit, and it is given up with one message', function(child)
  child:setup({ cmd = { 'sh', '-c', 'exit 4' } })
  child:lua([[
    local restart = require('fimd.server').restart
    restart.first_ms, restart.longest_ms = 1, 4
    _G.delays = {}
    local defer = vim.defer_fn
    vim.defer_fn = function(act, delay)
      table.insert(_G.delays, delay)
      return defer(act, delay)
    end
  ]])
  child:edit('src/a.php')
  child:await_told('does not run')
  t.same(child:lua('return _G.delays'), { 1, 2, 4, 4, 4, 4, 4 })
  t.has(child:told('does not run'), 'it ended with exit code 4, 8 times in a row')
  t.has(child:told('does not run'), '`:Fimd restart` tries again')
  child:edit('src/b.php')
  local told = vim.tbl_filter(function(entry)
    return entry[1]:find('does not run', 1, true)
  end, child:api('get_var', 'told'))
  t.same(#told, 1)
end)

t.test('server: `:Fimd restart` starts what was given up', function(child)
  child:setup({ cmd = { '/nowhere/fimd' } })
  child:edit('src/a.php')
  child:await_told('`/nowhere/fimd` is not an executable program; install fimd')
  child:lua([[require('fimd.server').config().cmd = ...]], t.fake())
  child:cmd('Fimd restart')
  child:ready()
  child:cmd('Fimd restart')
  child:ready()
  t.wait('one client', function()
    return #clients(child) == 1
  end)
end)

t.test('server: what waits when it dies is told so', function(child)
  child:setup({ automatic = false })
  child:edit('src/a.php')
  child:ready()
  child:tell('hold', { method = 'getContext' })
  child:lua([[
    require('fimd').get_context(0, { 1, 0 }, function(why)
      vim.g.why = why
    end)
  ]])
  child:tell('exit', { code = 5 })
  local why = t.wait('the reason', function()
    return child:lua('return vim.g.why or ""') ~= '' and child:lua('return vim.g.why')
  end)
  t.has(why, 'the server has ended: it ended with exit code 5')
end)

t.test('server: disabled it is gone, enabled it is back', function(child)
  child:setup()
  child:edit('src/a.php')
  child:ready()
  child:cmd('Fimd disable')
  t.wait('no client', function()
    return #clients(child) == 0
  end)
  child:edit('src/b.php')
  t.has(why_not(child), 'disabled')
  child:cmd('Fimd enable')
  child:ready()
end)

t.test('server: one that refuses its project is let go, with its reason', function(child)
  child:setup({ cmd = t.fake('--refuse') })
  child:edit('src/a.php')
  child:lua([[
    require('fimd').get_context(0, nil, function(why)
      vim.g.why = why
    end)
  ]])
  child:await_told('does not run: project_root: too many files; when that is mended')
  t.has(child:lua('return vim.g.why'), 'does not run: project_root: too many files')
  t.wait('no client', function()
    return child:lua([[return #vim.lsp.get_clients({ _uninitialized = true })]]) == 0
  end)
  child:lua([[require('fimd.server').config().cmd = ...]], t.fake())
  child:cmd('Fimd restart')
  child:ready()
end)

t.test('server: a restart leaves other buffers alone', function(child)
  child:setup()
  child:lua([[require('fimd.server').restart.first_ms = 10]])
  child:edit('src/a.php')
  child:ready()
  child:cmd('help')
  local help = child:lua('return vim.api.nvim_get_current_buf()')
  child:cmd('Fimd restart')
  t.wait('the server', function()
    return child:lua([[return require('fimd.server').client(vim.fn.bufnr('a.php')) ~= nil]])
  end)
  t.same(child:lua('return vim.lsp.get_clients({ bufnr = ... })', help), {})
end)

t.test('server: it hears of a buffer before anything is asked about it', function(child)
  child:setup({ automatic = false })
  child:edit('src/a.php')
  child:lua([[require('fimd').get_context(0, nil, function() end)]])
  child:ready()
  t.wait('the request', function()
    return #child:got('getContext') == 1
  end)
  local methods = vim.tbl_map(function(message)
    return message.method
  end, child:ask('log'))
  local opened, asked
  for index, method in ipairs(methods) do
    opened = opened or method == 'textDocument/didOpen' and index
    asked = asked or method == 'getContext' and index
  end
  t.check(opened < asked, vim.inspect(methods))
end)

t.test('server: a buffer that is read again, or deleted and opened, is known as it is', function(child)
  child:setup({ automatic = false })
  child:edit('src/a.php')
  child:ready()
  child:edit('notes.md')
  child:ready()
  local first = clients(child)
  child:edit('src/a.php')
  local uri = child:lua('return vim.uri_from_bufnr(0)')
  for _, commands in ipairs({
    { 'edit!' },
    { 'bunload! a.php', 'buffer a.php' },
    { 'bdelete! a.php', 'edit src/a.php' },
  }) do
    child:lua([[vim.api.nvim_buf_set_lines(0, 0, -1, true, { 'changed' })]])
    for _, command in ipairs(commands) do
      child:cmd(command)
    end
    child:ready()
    t.wait('the text on the disk', function()
      local document = child:ask('text', { uri = uri })
      return document ~= vim.NIL and document.text == '<?php\n$first = 1;\n'
    end)
  end
  t.same(clients(child), first)
end)

t.test('server: one that dies leaves those of other projects alone', function(child)
  child:setup({ automatic = false })
  child:lua([[require('fimd.server').restart.first_ms = 10]])
  child:edit('other/src/c.php')
  child:ready()
  child:tell('hold', { method = 'getContext' })
  child:lua([[
    require('fimd').get_context(0, nil, function(why, answer)
      vim.g.answer = why or answer.context
    end)
  ]])
  child:edit('src/a.php')
  child:ready()
  local first = clients(child)
  child:tell('exit', { code = 1 })
  t.wait('another one', function()
    local now = clients(child)
    return #now == 2 and not vim.deep_equal(now, first)
  end)
  child:edit('other/src/c.php')
  child:tell('reply', { method = 'getContext', result = { context = 'class A {}' } })
  t.wait('the answer', function()
    return child:lua('return vim.g.answer') == 'class A {}'
  end)
end, { ['other/composer.json'] = '{}', ['other/src/c.php'] = '<?php\n' })

t.test('server: is told where the cursor rests', function(child)
  local function places()
    return vim.tbl_map(function(params)
      return { vim.fs.basename(params.textDocument.uri), params.position.line, params.position.character }
    end, child:got('completion/readAhead'))
  end
  local function await(name, line, character)
    t.wait(('the place %d:%d'):format(line, character), function()
      return vim.deep_equal(places()[#places()], { name, line, character })
    end)
  end
  child:setup()
  child:edit('src/a.php')
  child:ready()
  await('a.php', 0, 0)
  -- At the end of a line text goes in behind the last character.
  child:type('G$')
  await('a.php', 1, 11)
  child:edit('notes.md')
  child:ready()
  child:edit('src/a.php')
  child:type('gg')
  child:cmd('Fimd snooze')
  t.wait('the end of the rest', function()
    return not child:lua('return require("fimd.read_ahead").is_waiting()')
  end)
  t.same(#places(), 2, 'neither in other files nor while completions are snoozed')
end)
