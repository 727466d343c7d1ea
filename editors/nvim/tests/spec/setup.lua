local t = require('harness')

t.test('setup: defaults are what the help says', function(child)
  local defaults = child:lua([[return require('fimd.config').defaults()]])
  local help = table.concat(vim.fn.readfile(t.plugin .. '/doc/fimd.txt'), '\n')
  for name, value in pairs(defaults) do
    t.has(help, ('*fimd-option-%s*'):format(name))
    if type(value) ~= 'table' and name ~= 'socket' then
      t.check(
        help:find(('%%*fimd%%-option%%-%s%%*.-default `%s`'):format(name, vim.pesc(vim.inspect(value)))),
        ('the help tells another default of %s: %s'):format(name, vim.inspect(value))
      )
    end
  end
end)

t.test('setup: an unknown option is an error that names it', function(child)
  local holds, why = unpack(child:lua([[return { pcall(require('fimd').setup, { filetype = 'php' }) }]]))
  t.same(holds, false)
  t.has(why, 'unknown option `filetype`; there are apply_style, automatic, bm25')
end)

t.test('setup: a value that makes no sense is an error that says what is expected', function(child)
  for name, value in pairs({
    cmd = 'fimd',
    connection = 'tcp',
    filetypes = 'php',
    debounce_ms = -1,
    max_buffer_bytes = 1.5,
    native = 1,
    endpoint = { 'http://127.0.0.1:9' },
    disabled_projects = '/srv',
    keymaps = { accepts = '<Tab>' },
  }) do
    local holds, why = unpack(child:lua(
      [[return { pcall(require('fimd').setup, { [select(1, ...)] = select(2, ...) }) }]],
      name,
      value
    ))
    t.same(holds, false, name)
    t.has(why, ('fimd: setup: `%s`: expected'):format(name))
  end
end)

t.test('setup: settings of the editor go to the server', function(child)
  child:setup({ endpoint = { url = 'http://127.0.0.1:9' }, completion = {} })
  child:edit('src/a.php')
  child:ready()
  t.same(child:got('initialize')[1].initializationOptions.settings, {
    endpoint = { url = 'http://127.0.0.1:9' },
  })
end)

t.test('setup: nothing is loaded before it is used', function(child)
  t.same(child:lua([[
    return vim.tbl_filter(function(name)
      return vim.startswith(name, 'fimd')
    end, vim.tbl_keys(package.loaded))
  ]]), {})
end)

t.test('setup: commands before it say what to do', function(child)
  child:cmd('Fimd status')
  t.has(child:told('setup'), 'call require("fimd").setup() first')
end)

t.test('setup: called again it starts over', function(child)
  child:setup({ keymaps = { accept = '<C-y>' } })
  child:edit('src/a.php')
  child:ready()
  local first = child:lua('return vim.lsp.get_clients({ name = "fimd" })[1].id')
  child:setup({ keymaps = { accept = '<C-g>' } })
  child:ready()
  t.wait('one client', function()
    local ids = child:lua([[
      return vim.iter(vim.lsp.get_clients({ name = 'fimd' })):map(function(c) return c.id end):totable()
    ]])
    return #ids == 1 and ids[1] ~= first
  end)
  t.same(child:lua([[return vim.fn.maparg('<C-y>', 'i')]]), '')
  t.check(child:lua([[return vim.fn.maparg('<C-g>', 'i', false, true).desc]]):find('fimd'), 'not mapped')
end)

t.test('setup: buffers that are open already are attached', function(child)
  child:edit('src/a.php')
  child:setup()
  child:ready()
  local opened = child:got('textDocument/didOpen')
  t.same(#opened, 1)
  t.same(opened[1].textDocument.languageId, 'php')
  t.same(opened[1].textDocument.text, '<?php\n$first = 1;\n')
end)
