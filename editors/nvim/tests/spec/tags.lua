local t = require('harness')

local LINE = 'Once [[[20]]] upon'

-- A buffer with the cursor in a tag, and a run of it that the server names `r1`.
local function running(child)
  child:setup()
  child:edit('notes.md')
  child:ready()
  t.same(child:lines(), { LINE })
  child:api('win_set_cursor', 0, { 1, 8 })
  child:tell('answer', { method = 'workspace/executeCommand', result = { run_id = 'r1' } })
  child:cmd('Fimd generate')
  t.wait('the command', function()
    return #child:got('workspace/executeCommand') == 1
  end)
end

local sent = 0

-- Makes the server request an edit of the current buffer; returns the answer.
local function edit(child, from, to, text, options)
  options = options or {}
  sent = sent + 1
  local id = 'edit' .. sent
  local uri = child:lua('return vim.uri_from_bufnr(0)')
  local version = options.version or child:ask('text', { uri = uri }).version
  child:tell('send', {
    id = id,
    method = 'workspace/applyEdit',
    params = {
      edit = {
        documentChanges = {
          {
            textDocument = { uri = options.uri or uri, version = version },
            edits = {
              {
                range = {
                  start = { line = 0, character = from },
                  ['end'] = { line = 0, character = to },
                },
                newText = text,
              },
            },
          },
        },
      },
    },
  })
  return t.wait('the answer to an edit', function()
    for _, answer in ipairs(child:ask('answers')) do
      if answer.id == id then
        return answer.result
      end
    end
  end)
end

local function finish(child)
  child:tell('send', {
    method = '$/progress',
    params = { token = 'r1', value = { kind = 'end', message = 'done' } },
  })
  t.wait('the end of the run', function()
    return child:lua([[
      return not require('fimd.tags').is_running(vim.api.nvim_get_current_buf())
    ]])
  end)
end

t.test('tags: the command says where the cursor is', function(child)
  running(child)
  t.same(child:got('workspace/executeCommand')[1], {
    command = 'fimd.tags.generate',
    arguments = {
      {
        uri = child:lua('return vim.uri_from_bufnr(0)'),
        position = { line = 0, character = 8 },
      },
    },
  })
end)

t.test('tags: what is streamed is one step of undo', function(child)
  child:setup()
  child:edit('notes.md')
  child:ready()
  child:type('A.<Esc>')
  t.wait('the edit', function()
    return child:lines()[1] == LINE .. '.'
  end)
  child:api('win_set_cursor', 0, { 1, 8 })
  child:tell('answer', { method = 'workspace/executeCommand', result = { run_id = 'r1' } })
  child:cmd('Fimd generate')
  t.same(edit(child, 5, 13, 'a'), { applied = true })
  t.same(child:lines(), { 'Once a upon.' })
  t.same(edit(child, 6, 6, ' small\ncat'), { applied = true })
  t.same(edit(child, 0, 0, ''), { applied = true })
  finish(child)
  t.same(child:lines(), { 'Once a small', 'cat upon.' })
  child:cmd('undo')
  t.same(child:lines(), { LINE .. '.' })
  child:cmd('redo')
  t.same(child:lines(), { 'Once a small', 'cat upon.' })
  child:cmd('undo | undo')
  t.same(child:lines(), { LINE })
end)

t.test('tags: typing elsewhere meanwhile is kept, and a step of its own', function(child)
  running(child)
  t.same(edit(child, 5, 13, 'a'), { applied = true })
  child:type('A!')
  t.wait('the typing', function()
    return child:lines()[1] == 'Once a upon!'
  end)
  t.same(edit(child, 6, 6, ' cat'), { applied = true })
  child:type('?')
  t.wait('the typing', function()
    return child:lines()[1] == 'Once a cat upon!?'
  end)
  t.same(edit(child, 10, 10, 's'), { applied = true })
  finish(child)
  child:type('<Esc>')
  for _, line in ipairs({
    'Once a cats upon!?',
    'Once a cat upon!?',
    'Once a cat upon!',
    'Once a upon!',
    'Once a upon',
    LINE,
  }) do
    t.wait('mode', function()
      return child:api('get_mode').mode == 'n'
    end)
    t.same(child:lines()[1], line)
    child:cmd('undo')
  end
end)

t.test('tags: an undo in between is not undone', function(child)
  running(child)
  t.same(edit(child, 5, 13, 'a'), { applied = true })
  child:cmd('undo')
  t.same(edit(child, 0, 0, '>'), { applied = true })
  t.same(child:lines(), { '>' .. LINE })
end)

t.test('tags: an edit of another version is refused', function(child)
  running(child)
  t.same(edit(child, 5, 13, 'a', { version = 1 }), {
    applied = false,
    failureReason = 'the document has changed',
  })
  t.same(child:lines(), { LINE })
end)

t.test('tags: edits of documents that are not open are refused', function(child)
  running(child)
  local uri = child:lua([[return vim.uri_from_fname(vim.fn.getcwd() .. '/src/b.md')]])
  t.same(edit(child, 0, 0, 'a', { uri = uri }).applied, false)
end)

t.test('tags: what is streamed is not somebody typing', function(child)
  child:setup()
  child:edit('tag.php')
  child:ready()
  child:tell('answer', { method = 'workspace/executeCommand', result = { run_id = 'r1' } })
  child:type('A')
  t.wait('the first request', function()
    return #child:got('textDocument/inlineCompletion') == 1
  end)
  child:cmd('Fimd generate')
  t.same(edit(child, 6, 14, '1'), { applied = true })
  t.same(edit(child, 7, 7, '2'), { applied = true })
  finish(child)
  t.same(#child:got('textDocument/inlineCompletion'), 1)
  child:type('<End>3')
  t.wait('the second request', function()
    return #child:got('textDocument/inlineCompletion') == 2
  end)
  t.same(child:lines(), { '<?php 123' })
end, { ['tag.php'] = '<?php [[[20]]]\n' })

t.test('tags: interrupted', function(child)
  running(child)
  child:cmd('Fimd interrupt')
  t.wait('the message', function()
    return vim.deep_equal(child:got('window/workDoneProgress/cancel'), { { token = 'r1' } })
  end)
  finish(child)
  child:cmd('Fimd interrupt')
  child:await_told('no tag is being run in this buffer')
end)

t.test('tags: one at a time in a buffer', function(child)
  running(child)
  child:cmd('Fimd generate')
  child:await_told('a tag is being run in this buffer')
  t.same(#child:got('workspace/executeCommand'), 1)
  finish(child)
  child:cmd('Fimd repeat')
  t.wait('the second command', function()
    return #child:got('workspace/executeCommand') == 2
  end)
end)

t.test('tags: a run that cannot begin says why and leaves nothing behind', function(child)
  running(child)
  finish(child)
  child:tell('answer', {
    method = 'workspace/executeCommand',
    error = { code = -32602, message = 'no tag here' },
  })
  child:cmd('Fimd generate')
  child:await_told('no tag here')
  child:cmd('Fimd interrupt')
  child:await_told('no tag is being run in this buffer')
end)

t.test('tags: what the server says is told', function(child)
  running(child)
  child:tell('send', {
    method = 'window/showMessage',
    params = { type = 1, message = 'cannot connect to http://127.0.0.1:8080' },
  })
  child:await_told('fimd: cannot connect to http://127.0.0.1:8080')
end)

t.test('tags: a server that dies in the midst ends the run', function(child)
  running(child)
  t.same(edit(child, 5, 13, 'a'), { applied = true })
  child:tell('exit', { code = 1 })
  child:await_told('the tag was not run to its end: the server has ended: it ended with exit code 1')
  child:cmd('undo')
  t.same(child:lines(), { LINE })
end)

t.test('tags: repeat, paste and apply name their commands', function(child)
  running(child)
  finish(child)
  child:tell('answer', { method = 'workspace/executeCommand', result = vim.NIL })
  child:type('$')
  local wanted = { 'fimd.tags.generate' }
  for name, command in pairs({
    ['repeat'] = 'fimd.tags.repeat',
    paste = 'fimd.tags.paste',
    apply = 'fimd.tags.applySettings',
  }) do
    child:cmd('Fimd ' .. name)
    table.insert(wanted, command)
    local params = t.wait('the command', function()
      return child:got('workspace/executeCommand')[#wanted]
    end)
    t.same(params.command, command)
    -- After the last character of the line.
    t.same(params.arguments[1].position, { line = 0, character = #LINE })
    t.wait('the answer', function()
      return not child:lua([[
        return require('fimd.tags').is_running(vim.api.nvim_get_current_buf())
      ]])
    end)
  end
end)

t.test('tags: a code action runs like the command', function(child)
  running(child)
  finish(child)
  child:tell('answer', {
    method = 'textDocument/codeAction',
    result = {
      {
        title = 'Generate here',
        command = { title = 'Generate here', command = 'fimd.tags.generate', arguments = { { a = 1 } } },
      },
    },
  })
  child:lua([[vim.lsp.buf.code_action({ apply = true })]])
  t.wait('the command', function()
    return #child:got('workspace/executeCommand') == 2
  end)
  t.check(child:lua([[return require('fimd.tags').is_running(vim.api.nvim_get_current_buf())]]), 'no run')
end)

t.test('tags: highlighted by what they are', function(child)
  child:setup()
  child:edit('notes.md')
  child:ready()
  -- Brackets, number, brackets, and later a hard boundary.
  child:tell('answer', {
    method = 'textDocument/semanticTokens/full',
    result = { data = { 0, 5, 3, 0, 0, 0, 3, 2, 7, 0, 0, 2, 3, 0, 0, 0, 4, 4, 1, 1 } },
  })
  child:type('A <Esc>')
  local function groups(column)
    local found = {}
    for _, mark in ipairs(child:lua('return vim.inspect_pos(0, 0, ...).extmarks', column)) do
      found[mark.opts.hl_group] = true
    end
    for _, token in ipairs(child:lua('return vim.inspect_pos(0, 0, ...).semantic_tokens', column)) do
      found[token.opts.hl_group] = true
    end
    return found
  end
  t.wait('the group of a tag', function()
    return groups(5).FimdTag
  end)
  t.check(groups(8).FimdNumber, 'no FimdNumber')
  t.check(groups(14).FimdBoundaryHard, 'no FimdBoundaryHard')
  t.same(child:api('get_hl', 0, { name = 'FimdTag' }), { link = 'Macro', default = true })
end)

t.test('tags: colours of the settings become groups if that is wanted', function(child)
  local params = {
    settings = {
      endpoint = { family = 'qwen2.5-coder' },
      editor = { fg_color = '#abc', bg_color = '#111122223333', caret_color = 'dark slate gray' },
    },
  }
  for _, is_wanted in ipairs({ false, true }) do
    child:setup({ apply_style = is_wanted })
    child:edit('notes.md')
    child:ready()
    child:tell('send', { method = 'fimd/settingsChanged', params = params })
    child:ask('log')
    local normal = child:api('get_hl', 0, { name = 'FimdNormal' })
    if is_wanted then
      t.same(normal, { fg = 0xaabbcc, bg = 0x112233 })
      t.same(child:api('get_hl', 0, { name = 'FimdCaret' }), { bg = 0x2f4f4f })
    else
      t.same(normal, vim.empty_dict())
    end
  end
end)

t.test('tags: the log is shown', function(child)
  child:setup()
  child:edit('notes.md')
  child:cmd('Fimd log')
  t.wait('the log', function()
    return child:lines()[1] == 'a run of a tag'
  end)
end)
