local t = require('harness')

-- A buffer that ends with `$order->`, in insert mode after it.
local function inserting(child, options)
  child:setup(options)
  child:edit('src/a.php')
  child:ready()
  child:type('Go$order->')
end

local function answer(child, ...)
  child:tell('answer', { method = 'textDocument/inlineCompletion', result = t.items(2, 8, ...) })
end

local function shown(child, ...)
  inserting(child, { automatic = false, keymaps = true })
  answer(child, ...)
  child:type('<M-\\>')
  child:await_ghost((...))
end

t.test('ghost: comes while one types', function(child)
  child:setup()
  child:edit('src/a.php')
  child:ready()
  answer(child, 'total()')
  child:type('Go$order->')
  child:await_ghost('total()')
  local marks = child:marks()
  t.same(#marks, 1)
  t.same({ marks[1][2], marks[1][3] }, { 2, 8 })
  t.same(marks[1][4].virt_text, { { 'total()', 'FimdGhost' } })
  t.same(marks[1][4].virt_text_pos, 'inline')
  t.same(child:screen()[3], '$order->total()')
  t.same(child:lines()[3], '$order->')
  for _, params in ipairs(child:got('textDocument/inlineCompletion')) do
    t.same(params.context.triggerKind, 2)
  end
end)

t.test('ghost: only where it is asked for if not automatic', function(child)
  inserting(child, { automatic = false })
  answer(child, 'total()')
  t.same(child:got('textDocument/inlineCompletion'), {})
  child:cmd('Fimd complete')
  child:await_ghost('total()')
  local asked = child:got('textDocument/inlineCompletion')
  t.same(#asked, 1)
  t.same(asked[1].position, { line = 2, character = 8 })
  t.same(asked[1].context.triggerKind, 1)
end)

t.test('ghost: asked for out of insert mode begins that', function(child)
  inserting(child, { automatic = false })
  answer(child, 'total()')
  child:type('<Esc>')
  child:cmd('Fimd complete')
  child:await_ghost('total()')
  t.same(child:api('get_mode').mode, 'i')
  t.same(child:api('win_get_cursor', 0), { 3, 8 })
end)

t.test('ghost: typing what is shown takes it off without asking', function(child)
  shown(child, 'total()')
  local asked = #child:got('textDocument/inlineCompletion')
  child:type('to')
  child:await_ghost('tal()')
  t.same(child:marks()[1][3], 10)
  t.same(child:screen()[3], '$order->total()')
  child:type('<BS>')
  child:await_ghost('otal()')
  t.same(#child:got('textDocument/inlineCompletion'), asked)
end)

t.test('ghost: typing something else hides it and asks anew', function(child)
  child:setup()
  child:edit('src/a.php')
  child:ready()
  answer(child, 'total()')
  child:type('Go$order->')
  child:await_ghost('total()')
  child:tell('answer', { method = 'textDocument/inlineCompletion', result = t.items(2, 9, 'count()') })
  child:type('x')
  child:await_ghost('count()')
  t.same(child:screen()[3], '$order->xcount()')
end)

t.test('ghost: moving the cursor hides it', function(child)
  shown(child, 'total()')
  child:type('<Left>')
  t.wait('nothing to be shown', function()
    return child:ghost() == nil
  end)
  t.same(child:marks(), {})
end)

t.test('ghost: leaving insert mode hides it', function(child)
  shown(child, 'total()')
  child:type('<Esc>')
  t.wait('nothing to be shown', function()
    return child:ghost() == nil
  end)
  t.same(child:marks(), {})
end)

t.test('ghost: accepted whole it is text, and the command is run', function(child)
  shown(child, 'total()\n\t+ 1;')
  child:type('<Tab>')
  t.wait('the text', function()
    return vim.deep_equal(child:lines(), { '<?php', '$first = 1;', '$order->total()', '\t+ 1;' })
  end)
  t.same(child:api('win_get_cursor', 0), { 4, 5 })
  t.same(child:marks(), {})
  local run = t.wait('the command', function()
    return child:got('workspace/executeCommand')[1]
  end)
  t.same(run, {
    command = 'fimd.completion.accepted',
    arguments = { { text = 'total()\n\t+ 1;' } },
  })
  child:type('<Esc>u')
  t.wait('the undo', function()
    return vim.deep_equal(child:lines(), { '<?php', '$first = 1;', '$order->' })
  end)
end)

t.test('ghost: accepted by words', function(child)
  shown(child, 'total($a, 1)')
  for _, step in ipairs({
    { '$order->total', '($a, 1)' },
    { '$order->total(', '$a, 1)' },
    { '$order->total($a', ', 1)' },
    { '$order->total($a,', ' 1)' },
    { '$order->total($a, 1', ')' },
  }) do
    child:type('<M-Right>')
    child:await_ghost(step[2])
    t.same(child:lines()[3], step[1])
  end
  t.same(child:got('workspace/executeCommand'), {})
  child:type('<M-Right>')
  t.wait('the command', function()
    return child:got('workspace/executeCommand')[1]
  end)
  t.same(child:lines()[3], '$order->total($a, 1)')
end)

t.test('ghost: accepted by lines', function(child)
  shown(child, 'total(\n    1\n);')
  child:type('<M-C-Right>')
  child:await_ghost('\n    1\n);')
  child:type('<M-C-Right>')
  child:await_ghost('\n);')
  t.same(child:lines(), { '<?php', '$first = 1;', '$order->total(', '    1' })
  child:type('<M-C-Right>')
  t.wait('the last line', function()
    return child:lines()[5] == ');'
  end)
  t.same(child:ghost(), nil)
end)

t.test('ghost: keys do what they did where nothing is shown', function(child)
  inserting(child, { automatic = false, keymaps = true })
  child:type('<Tab>x')
  t.wait('a tab', function()
    return child:lines()[3] == '$order->\tx'
  end)
end)

t.test('ghost: keys fall back on what they were mapped to', function(child)
  child:cmd('inoremap <Tab> [tab]')
  child:lua([[vim.keymap.set('i', '<C-]>', function() return '[bracket]' end, { expr = true })]])
  inserting(child, { automatic = false, keymaps = true })
  child:type('<Tab><C-]>')
  t.wait('the mappings', function()
    return child:lines()[3] == '$order->[tab][bracket]'
  end)
end)

t.test('ghost: <Plug> mappings are there without any keys', function(child)
  child:cmd('imap <C-y> <Plug>(fimd-accept)')
  inserting(child, { automatic = false })
  answer(child, 'total()')
  child:cmd('Fimd complete')
  child:await_ghost('total()')
  child:type('<C-y>')
  t.wait('the text', function()
    return child:lines()[3] == '$order->total()'
  end)
end)

t.test('ghost: several completions, one after the other', function(child)
  shown(child, 'total()', 'count()', 'tax()')
  child:type('<M-]>')
  child:await_ghost('count()')
  child:type('<M-]>')
  child:await_ghost('tax()')
  child:type('<M-]>')
  child:await_ghost('total()')
  child:type('<M-[>')
  child:await_ghost('tax()')
  -- Of the items that begin with the typed text, the shown one.
  child:type('t')
  child:await_ghost('ax()')
  child:type('<M-]>')
  child:await_ghost('otal()')
  child:type('<M-]>')
  child:await_ghost('ax()')
end)

--- Items with the numbers by which the server knows them.
local function numbered(first, ...)
  local result = t.items(2, 8, ...)
  for index, item in ipairs(result.items) do
    item.command.arguments[1].id = first + index - 1
  end
  return result
end

local function declined(child)
  return vim.tbl_map(function(params)
    return params.id
  end, child:got('completion/declined'))
end

t.test('ghost: others are asked for when they are wanted', function(child)
  local method = 'textDocument/inlineCompletion'
  shown(child, 'total()')
  t.same(child:got(method)[1].max_items, 1)
  child:tell('answer', { method = method, result = t.items(2, 9, 'otal()', 'ax()') })
  child:type('t')
  child:await_ghost('otal()')
  t.same(#child:got(method), 1)
  child:type('<M-]>')
  child:await_ghost('ax()')
  local asked = child:got(method)[2]
  t.same({ asked.max_items, asked.context.triggerKind }, { 2, 1 })
  child:type('<M-]>')
  child:await_ghost('otal()')
  t.same(#child:got(method), 2)
end)

t.test('ghost: there may be no other', function(child)
  shown(child, 'total()')
  child:type('<M-[>')
  child:await_told('no other completion')
  t.same(child:ghost(), 'total()')
end)

t.test('ghost: the server is told what the user does not want', function(child)
  inserting(child, { automatic = false, keymaps = true })
  local method = 'textDocument/inlineCompletion'
  child:tell('answer', { method = method, result = numbered(1, 'total()', 'tax()', 'count()') })
  child:type('<M-\\>')
  child:await_ghost('total()')
  child:type('<M-]>')
  child:await_ghost('tax()')
  -- The third was not seen.
  child:cmd('Fimd dismiss')
  t.same(declined(child), { 1, 2 })
  child:tell('answer', { method = method, result = numbered(4, 'total()') })
  child:cmd('Fimd complete')
  child:await_ghost('total()')
  -- One other character may be a slip, two are not.
  child:type('x<BS>')
  t.wait('the text', function()
    return child:lines()[3] == '$order->'
  end)
  child:cmd('Fimd complete')
  child:await_ghost('total()')
  t.same(declined(child), { 1, 2 })
  child:type('x')
  t.wait('nothing to be shown', function()
    return child:ghost() == nil
  end)
  t.same(declined(child), { 1, 2 })
  child:type('y')
  t.wait('the notification', function()
    return vim.deep_equal(declined(child), { 1, 2, 4 })
  end)
  -- A completion that only stays shown is not declined.
  child:tell('answer', { method = method, result = t.items(2, 10, 'total()') })
  child:cmd('Fimd complete')
  child:await_ghost('total()')
  child:type('<Esc>')
  t.wait('nothing to be shown', function()
    return child:ghost() == nil
  end)
  t.same(declined(child), { 1, 2, 4 })
end)

t.test('ghost: dismissed', function(child)
  shown(child, 'total()')
  child:type('<C-]>')
  t.wait('nothing to be shown', function()
    return child:ghost() == nil
  end)
  t.same(child:lines()[3], '$order->')
end)

t.test('ghost: more lines stand below, with tabs as wide as they are', function(child)
  shown(child, 'map(fn () =>\n\tone,\n  \ttwo)')
  child:cmd('set tabstop=4')
  child:type('m')
  child:await_ghost('ap(fn () =>\n\tone,\n  \ttwo)')
  local screen = child:screen()
  t.same(vim.list_slice(screen, 3, 5), { '$order->map(fn () =>', '    one,', '    two)' })
end)

t.test('ghost: what stands behind the cursor moves behind the last line', function(child)
  inserting(child, { automatic = false, keymaps = true })
  child:type(', 2);<Left><Left><Left><Left><Left>')
  answer(child, 'total(\n  1)')
  child:type('<M-\\>')
  child:await_ghost('total(\n  1)')
  t.same(vim.list_slice(child:screen(), 3, 4), { '$order->total(', '  1), 2);' })
  child:type('<Tab>')
  t.wait('the text', function()
    return child:lines()[4] == '  1), 2);'
  end)
  t.same(child:lines()[3], '$order->total(')
end)

t.test('ghost: a range around the cursor is replaced', function(child)
  inserting(child, { automatic = false, keymaps = true })
  child:type('()<Left>')
  child:tell('answer', {
    method = 'textDocument/inlineCompletion',
    result = {
      items = {
        {
          insertText = '->(1, 2)',
          range = {
            start = { line = 2, character = 6 },
            ['end'] = { line = 2, character = 10 },
          },
        },
      },
    },
  })
  child:type('<M-\\>')
  child:await_ghost('1, 2)')
  child:type('<Tab>')
  t.wait('the text', function()
    return child:lines()[3] == '$order->(1, 2)'
  end)
end)

t.test('ghost: multi-byte characters around the cursor', function(child)
  child:setup({ automatic = false, keymaps = true })
  child:edit('src/a.php')
  child:ready()
  child:type('Go$é = "😀')
  child:tell('answer', { method = 'textDocument/inlineCompletion', result = t.items(2, 11, 'ÿ€😀";') })
  child:type('<M-\\>')
  child:await_ghost('ÿ€😀";')
  t.same(child:got('textDocument/inlineCompletion')[1].position, { line = 2, character = 11 })
  child:type('ÿ')
  child:await_ghost('€😀";')
  child:type('<M-Right>')
  child:await_ghost('";')
  t.same(child:lines()[3], '$é = "😀ÿ€😀')
end)

t.test('ghost: what is asked for a text that has changed is taken back', function(child)
  inserting(child, { automatic = false, keymaps = true })
  child:tell('hold', { method = 'textDocument/inlineCompletion' })
  child:type('<M-\\>')
  t.wait('the request', function()
    return #child:got('textDocument/inlineCompletion') == 1
  end)
  child:type('x')
  t.wait('the request to be taken back', function()
    return child:cancelled('textDocument/inlineCompletion') == 1
  end)
  t.same(child:ghost(), nil)
  t.same(child:told(''), nil)
end)

t.test('ghost: an answer is not shown that comes as the text changes', function(child)
  inserting(child, { automatic = false, keymaps = true })
  child:tell('hold', { method = 'textDocument/inlineCompletion' })
  child:type('<M-\\>')
  t.wait('the request', function()
    return #child:got('textDocument/inlineCompletion') == 1
  end)
  -- Both happen before Neovim can report that the text has changed.
  child:lua([[
    local server = require('fimd.server')
    local client = server.client(vim.api.nvim_get_current_buf())
    server.call(client, 'notify', 'fake/reply', ...)
    vim.api.nvim_buf_set_lines(0, 0, 1, true, { '<?php // changed' })
    local answered = false
    vim.api.nvim_create_autocmd('LspRequest', {
      callback = function(event)
        answered = answered or event.data.request.type == 'complete'
      end,
    })
    vim.wait(10000, function()
      return answered
    end, 1)
  ]], { method = 'textDocument/inlineCompletion', result = t.items(2, 8, 'total()') })
  t.same(child:cancelled('textDocument/inlineCompletion'), 0)
  t.same(child:ghost(), nil)
end)

t.test('ghost: what is asked anew takes the last request back', function(child)
  inserting(child, { automatic = false, keymaps = true })
  child:tell('hold', { method = 'textDocument/inlineCompletion' })
  child:type('<M-\\>')
  t.wait('the request', function()
    return #child:got('textDocument/inlineCompletion') == 1
  end)
  answer(child, 'total()')
  child:type('<M-\\>')
  child:await_ghost('total()')
  t.same(child:cancelled('textDocument/inlineCompletion'), 1)
end)

t.test('ghost: all lines are visible when the cursor is on the last row', function(child)
  child:setup()
  child:edit('src/a.php')
  child:ready()
  local many = {}
  for number = 1, 100 do
    many[number] = ('$line%d = %d;'):format(number, number)
  end
  child:api('buf_set_lines', 0, 2, -1, true, many)
  local rows = child:api('win_get_height', 0)
  child:type(('%dGzb'):format(40))
  t.same(child:lua('return vim.fn.winline()'), rows)
  child:tell('answer', {
    method = 'textDocument/inlineCompletion',
    result = t.items(39, 13 + 1, 'one\ntwo\nthree'),
  })
  child:type('A$')
  child:await_ghost('one\ntwo\nthree')
  local screen = child:screen()
  t.same({ unpack(screen, rows - 2, rows) }, { '$line38 = 38;$one', 'two', 'three' })
end)

t.test('ghost: an outage is told once in one line, and so is its end', function(child)
  child:setup()
  child:edit('src/a.php')
  child:ready()
  local method = 'textDocument/inlineCompletion'
  local function count(part)
    return #vim.tbl_filter(function(entry)
      return entry[1]:find(part, 1, true)
    end, child:api('get_var', 'told'))
  end
  local function statusline()
    return child:lua([[return require('fimd').statusline()]])
  end
  local function type_and_ask(key)
    local before = #child:got(method)
    child:type(key)
    t.wait('the request', function()
      return #child:got(method) > before
    end)
    child:ask('log')
  end
  local why = 'http://127.0.0.1:1/v1/completions: cannot reach\nthe model server ' .. ('x'):rep(100)
  t.same(statusline(), 'fimd: ready')
  for outage = 1, 2 do
    child:tell('answer', { method = method, error = { code = -32001, message = why } })
    child:type('<Esc>Go')
    type_and_ask('$a')
    type_and_ask('b')
    t.same(count('cannot reach'), outage)
    t.same(statusline(), 'fimd: no model server')
    local line = child:told('cannot reach')
    t.check(vim.fn.strdisplaywidth(line) <= child:lua('return vim.v.echospace'), line)
    local known = t.items(1 + outage, 4, 'total()')
    known.timings.first_token_ms = vim.NIL
    child:tell('answer', { method = method, result = known })
    child:type('c')
    child:await_ghost('total()')
    t.same(count('answers again'), outage - 1)
    t.same(statusline(), 'fimd: no model server')
    child:tell('answer', { method = method, result = t.items(1 + outage, 5, 'total()') })
    child:type('d')
    child:await_told('answers again')
    child:await_ghost('total()')
    t.same(count('answers again'), outage)
    t.check(statusline():match('^fimd: ready %d+ ms$'), statusline())
  end
  child:tell('answer', { method = method, error = { code = -32001, message = why } })
  child:lua([[require('fimd').complete()]])
  child:await_told(why)
  child:cmd('stopinsert')
  child:cmd('Fimd status')
  t.wait('the status', function()
    return table.concat(child:lines(), '\n'):find('no model server: http://127.0.0.1:1', 1, true)
  end)
end)

t.test('ghost: the status tells what the model server did for the last answer', function(child)
  local function described(timings)
    return child:lua(
      [[
        local state = require('fimd.model_state')
        state.set_settings(9, { endpoint = { url = 'http://a', family = 'f' } })
        state.answered(9, 5, ...)
        return state.describe(9)
      ]],
      timings
    )
  end
  child:setup()
  local said = 'model server: http://a, f; first text after 2 ms'
  t.same(described({ first_token_ms = 2.4, read_tokens = vim.NIL, reused_tokens = vim.NIL }), said)
  t.same(described({ first_token_ms = 2.4, read_tokens = 10 }), said .. ', 10 tokens read')
  local all = { first_token_ms = 2.4, read_tokens = 10, reused_tokens = 90 }
  t.same(described(all), said .. ', 10 tokens read, 90 reused')
end)

t.test('ghost: another error is told once while one types', function(child)
  child:setup()
  child:edit('src/a.php')
  child:ready()
  child:tell('answer', {
    method = 'textDocument/inlineCompletion',
    error = { code = -32603, message = 'broken inside' },
  })
  child:type('Go$a')
  child:await_told('broken inside')
  child:type('b')
  t.wait('the second request', function()
    return #child:got('textDocument/inlineCompletion') >= 2
  end)
  child:ask('log')
  local told = vim.tbl_filter(function(entry)
    return entry[1]:find('broken inside', 1, true)
  end, child:api('get_var', 'told'))
  t.same(#told, 1)
end)

t.test('ghost: each buffer has its own', function(child)
  shown(child, 'total()')
  child:cmd('stopinsert')
  child:cmd('split ' .. child.folder .. '/src/b.php')
  child:ready()
  child:type('i<lt>?php<CR>$b->')
  child:tell('answer', { method = 'textDocument/inlineCompletion', result = t.items(1, 4, 'weigh()') })
  child:type('<M-\\>')
  child:await_ghost('weigh()')
  t.same(child:lua([[return #vim.lsp.get_clients({ name = 'fimd' })]]), 1)
  child:cmd('bwipeout!')
  child:type('a')
  answer(child, 'total()')
  child:type('<M-\\>')
  child:await_ghost('total()')
end)

t.test('ghost: not asked for in files where only tags are meant, unless told to', function(child)
  child:setup({ keymaps = true })
  child:edit('notes.md')
  child:ready()
  child:tell('answer', { method = 'textDocument/inlineCompletion', result = t.items(1, 1, 'n end') })
  child:type('oA')
  child:type('<M-\\>')
  child:await_ghost('n end')
  local asked = child:got('textDocument/inlineCompletion')
  t.same(#asked, 1)
  t.same(asked[1].context.triggerKind, 1)
end)
