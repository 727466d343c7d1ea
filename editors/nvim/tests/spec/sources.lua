local t = require('harness')

-- Insert mode after `$order->`, and a server that answers `total()` and one more
-- line.
local function inserting(child)
  child:setup({ automatic = false })
  child:edit('src/a.php')
  child:ready()
  child:tell('answer', {
    method = 'textDocument/inlineCompletion',
    result = t.items(2, 8, 'total()\n  + 1'),
  })
  child:type('Go$order->')
  t.wait('the typing', function()
    return child:lines()[3] == '$order->'
  end)
end

local here = { line = 2, character = 8 }
local ITEM = {
  label = 'total() …',
  filterText = 'total()\n  + 1',
  textEdit = { newText = 'total()\n  + 1', range = { start = here, ['end'] = here } },
  documentation = { kind = 'markdown', value = '```php\ntotal()\n  + 1\n```' },
  data = {
    command = {
      title = '',
      command = 'fimd.completion.accepted',
      arguments = { { text = 'total()\n  + 1' } },
    },
  },
}

local function answer(child)
  return t.wait('the items', function()
    local found = child:lua('return vim.g.found')
    return found ~= vim.NIL and found
  end)
end

local function accepted(child)
  t.wait('the command', function()
    return vim.deep_equal(child:got('workspace/executeCommand')[1], {
      command = 'fimd.completion.accepted',
      arguments = { { text = 'total()\n  + 1' } },
    })
  end)
end

t.test('sources: nvim-cmp', function(child)
  inserting(child)
  t.same(
    child:lua([[
      local source = require('fimd.sources.cmp').new()
      source:complete({ context = { option = { reason = 'manual' } } }, function(answer)
        vim.g.found = answer
        source:execute(answer.items[1], function() end)
      end)
      return { source:is_available(), source:get_debug_name() }
    ]]),
    { true, 'fimd' }
  )
  t.same(answer(child), { items = { ITEM }, isIncomplete = true })
  t.same(child:got('textDocument/inlineCompletion')[1].context.triggerKind, 1)
  accepted(child)
end)

t.test('sources: blink.cmp', function(child)
  inserting(child)
  t.same(
    child:lua([[
      local source = require('fimd.sources.blink').new()
      local cancel = source:get_completions({ trigger = { kind = 'keyword' } }, function(answer)
        vim.g.found = answer
        local put = false
        source:execute({}, answer.items[1], function()
          vim.g.put = put
        end, function()
          put = true
        end)
      end)
      return { source:enabled(), type(cancel) }
    ]]),
    { true, 'function' }
  )
  t.same(answer(child), {
    items = { ITEM },
    is_incomplete_forward = true,
    is_incomplete_backward = true,
  })
  t.same(child:lua('return vim.g.put'), true)
  t.same(child:got('textDocument/inlineCompletion')[1].context.triggerKind, 2)
  accepted(child)
end)

t.test('sources: none where there is no server', function(child)
  child:setup()
  child:lua([[
    require('fimd.sources.blink').new():get_completions({ trigger = {} }, function(answer)
      vim.g.found = #answer.items
    end)
  ]])
  t.same(child:lua('return { vim.g.found, require("fimd.sources.cmp").new():is_available() }'), { 0, false })
end)

t.test('sources: minuet-ai', function(child)
  inserting(child)
  child:tell('answer', { method = 'getContext', result = { context = '// --- A.php ---\n' } })
  t.same(
    child:lua([[
      local minuet = require('fimd.sources.minuet')
      minuet.timeout_ms = 10000
      return { minuet.prompt('before', 'after', {}), minuet.suffix('before', 'after', {}) }
    ]]),
    { '// --- A.php ---\nbefore', 'after' }
  )
  t.same(child:got('getContext')[1].position, here)
  child:cmd('stopinsert | enew!')
  t.same(child:lua([[return require('fimd.sources.minuet').prompt('before', 'after', {})]]), 'before')
end)
