-- Neovim's own LSP client against the real server over stdio, with no plugin.
--
-- nvim --headless -u NONE -l neovim.lua FIMD ROOT COPY ENCODING
--
-- ROOT is the project. COPY is a copy of it; the script writes unsaved buffers
-- there, so that `fimd context` can compute the expected context. Prints one
-- line on success, else fails with a reason.

local fimd, root, copy, encoding = unpack(arg)

-- The test waits this long only when the server hangs.
local PATIENCE_MS = 60000
-- A budget in characters that fits everything that the project declares.
local MAX_CHARS = 20000
local EDITS = 80
local BURST = 60
-- A fast server may answer a whole burst before it reads the cancellations.
local MAX_BURSTS = 200

local compared = 0

local function check(holds, what)
  if not holds then
    error(what, 0)
  end
end

local function wait(what, done)
  check(vim.wait(PATIENCE_MS, done, 5), 'waited in vain for ' .. what)
end

local function ending()
  return vim.bo.fileformat == 'dos' and '\r\n' or '\n'
end

-- The current buffer, as Neovim would save it.
local function text()
  local lines = vim.api.nvim_buf_get_lines(0, 0, -1, true)
  return table.concat(lines, ending()) .. (vim.bo.endofline and ending() or '')
end

-- The cursor as a byte offset into that text.
local function cursor()
  local row, column = unpack(vim.api.nvim_win_get_cursor(0))
  local bytes = column
  for _, line in ipairs(vim.api.nvim_buf_get_lines(0, 0, row - 1, true)) do
    bytes = bytes + #line + #ending()
  end
  return bytes
end

-- The context that `fimd context` prints for the current buffer at a byte.
local function printed(project, byte)
  local file = project .. '/src/caller.php'
  local run = vim
    .system({
      fimd, 'context', file, '--project', project, '--content', '-',
      '--at', tostring(byte), '--max-chars', tostring(MAX_CHARS),
    }, { stdin = text() })
    :wait(PATIENCE_MS)
  check(run.code == 0, 'fimd context: ' .. run.stderr)
  return run.stdout
end

vim.o.virtualedit = 'onemore'
vim.o.swapfile = false
vim.cmd.edit(root .. '/src/caller.php')
vim.bo.filetype = 'php'

local capabilities = vim.lsp.protocol.make_client_capabilities()
capabilities.general.positionEncodings = { encoding }
local errors = {}
local ended
local sent = {}
vim.api.nvim_create_autocmd('LspNotify', {
  callback = function(event)
    if event.data.method == 'textDocument/didChange' then
      local document = event.data.params.textDocument
      sent[document.uri] = document.version
    end
  end,
})
local client = vim.lsp.get_client_by_id(assert(vim.lsp.start({
  name = 'fimd',
  cmd = { fimd },
  root_dir = root,
  capabilities = capabilities,
  on_error = function(code, err)
    table.insert(errors, vim.inspect({ code, err }))
  end,
  on_exit = function(code, signal)
    ended = { code = code, signal = signal }
  end,
})))
wait('initialize', function()
  return client.initialized or ended
end)
check(not ended, 'the server ended before it was initialized')
check(client.offset_encoding == encoding, 'not the encoding: ' .. client.offset_encoding)
local counts = client.server_capabilities.experimental.fimd
check(counts.file_count == 3 and counts.bm25_chunks > 0, vim.inspect(counts))

local function params()
  local place = vim.lsp.util.make_position_params(0, encoding)
  place.max_chars = MAX_CHARS
  return place
end

local function context()
  -- Neovim sends pending changes first if the buffer is named; 0 does not do
  -- this.
  local buffer = vim.api.nvim_get_current_buf()
  local answer, why = client:request_sync('getContext', params(), PATIENCE_MS, buffer)
  check(answer, 'getContext: ' .. tostring(why))
  check(not answer.err, vim.inspect(answer.err))
  return answer.result.context
end

-- The context of the current buffer at the cursor must equal that of `fimd
-- context`.
local function compare(what, project)
  local got, wanted = context(), printed(project, cursor())
  check(
    got == wanted,
    ('%s, byte %d\n--- the editor got\n%s\n--- the shell says\n%s'):format(what, cursor(), got, wanted)
  )
  compared = compared + 1
  return got
end

-- Puts the cursor after the first occurrence of `place`.
local function go_behind(place)
  for row, line in ipairs(vim.api.nvim_buf_get_lines(0, 0, -1, true)) do
    local _, stop = line:find(place, 1, true)
    if stop then
      vim.api.nvim_win_set_cursor(0, { row, stop })
      return
    end
  end
  error('not in the buffer: ' .. place, 0)
end

-- Replaces the first occurrence of `old` without touching the text around it.
local function replace(old, new)
  for row, line in ipairs(vim.api.nvim_buf_get_lines(0, 0, -1, true)) do
    local start, stop = line:find(old, 1, true)
    if start then
      local lines = vim.split(new, '\n', { plain = true })
      vim.api.nvim_buf_set_text(0, row - 1, start - 1, row - 1, stop, lines)
      return
    end
  end
  error('not in the buffer: ' .. old, 0)
end

-- Compares the file as it was opened, and after edits around characters of one
-- to four bytes. If the server's text is off by a unit, it names something else.
go_behind('$catalogue->')
local opened = compare('as opened', root)
check(opened:find('find', 1, true), 'the declarations are not offered')
check(opened ~= printed(root, cursor() - 1), 'a place beside the cursor has the same context')
for _, edit in ipairs({
  { '/* 😀é */', '/* 😀é€ */' },
  { '😀', 'x😀😀' },
  { '$catalogue->', '$catalogue->fi' },
  { '😀', '' },
  { '€ */', '€\n𐍈 */' },
  { '$catalogue->fi', "$a = '😀'; $catalogue->" },
  { "'😀'", '"é😀"' },
  { '\t$last', "\t$b = '😀';\n\t$last" },
}) do
  replace(edit[1], edit[2])
  go_behind('$catalogue->')
  compare(('%s to %s'):format(edit[1], edit[2]), root)
end
vim.cmd.undo()
compare('undone', root)
go_behind('$last->')
compare('the last line, without an end of line', root)

-- The caller's context shows another file that was edited and not saved. Names
-- in PHP may hold any character, so an edit at the wrong position shows.
local caller = vim.api.nvim_get_current_buf()
vim.cmd.edit(root .. '/src/Catalogue.php')
local catalogue = vim.api.nvim_get_current_buf()
vim.bo.filetype = 'php'
check(vim.lsp.buf_attach_client(catalogue, client.id), 'the second buffer is not attached')
math.randomseed(7)
local pieces = { '', 'a', 'é', '€', '😀', '𐍈b😀' }
for edit = 1, EDITS do
  local rows = {}
  for row, line in ipairs(vim.api.nvim_buf_get_lines(0, 0, -1, true)) do
    if line:find('public function find', 1, true) then
      table.insert(rows, row)
    end
  end
  local row = rows[math.random(#rows)]
  local line = vim.api.nvim_buf_get_lines(0, row - 1, row, true)[1]
  local _, fixed = line:find('public function find', 1, true)
  if edit % 10 == 0 then
    -- Edits whole lines as well.
    local added = ('    public function find%d😀(): self;'):format(edit)
    vim.api.nvim_buf_set_lines(0, row, row, true, { added, '    // 😀' })
  else
    local starts = {}
    for _, at in ipairs(vim.str_utf_pos(line)) do
      if at > fixed and at <= line:find('(', 1, true) then
        table.insert(starts, at - 1)
      end
    end
    local from = math.random(#starts)
    local to = math.random(from, math.min(#starts, from + 2))
    local piece = pieces[math.random(#pieces)]
    vim.api.nvim_buf_set_text(0, row - 1, starts[from], row - 1, starts[to], { piece })
  end
end
check(vim.bo.modified, 'the buffer is not edited')
-- A request sends the pending changes of its own buffer only. Those of other
-- buffers follow about 150 ms after they were made.
wait('the changes to be sent', function()
  return sent[vim.uri_from_bufnr(catalogue)] == vim.b[catalogue].changedtick
end)
local saved = assert(io.open(copy .. '/src/Catalogue.php', 'wb'))
saved:write(text())
saved:close()
vim.api.nvim_set_current_buf(caller)
go_behind('$catalogue->')
check(compare('with an unsaved buffer', copy):find('find80😀()', 1, true), 'the edits are not offered')

-- When the buffer is closed without saving, the text on disk counts again.
vim.api.nvim_buf_delete(catalogue, { force = true })
check(not compare('with the buffer closed', root):find('find80', 1, true), 'the edits are still offered')

-- Cancels bursts of requests until a cancellation arrives before the answer.
-- Each request must be settled, and later requests must be answered. Neovim
-- keeps a request until it is answered, and does not pass the error of a
-- cancelled one to its handler.
vim.cmd.enew()
vim.api.nvim_buf_set_name(0, root .. '/src/long.php')
vim.bo.filetype = 'php'
local long = { '<?php' }
for line = 1, 20000 do
  long[line + 1] = '$catalogue->find(["😀", 2, 3]);'
end
vim.api.nvim_buf_set_lines(0, 0, -1, true, long)
check(vim.lsp.buf_attach_client(0, client.id), 'the long buffer is not attached')
vim.cmd.normal('G$')

-- How many requests of a burst were answered although they were cancelled.
local function answered_of_a_burst()
  local answered = 0
  local ids = {}
  for burst = 1, BURST do
    local is_sent, id = client:request('getContext', params(), function(err)
      check(not err, vim.inspect(err))
      answered = answered + 1
    end, vim.api.nvim_get_current_buf())
    check(is_sent, 'a request was not sent')
    ids[burst] = id
  end
  -- Cancels the last requests first, because they wait the longest.
  for burst = BURST, 1, -1 do
    client:cancel_request(ids[burst])
  end
  wait('the cancelled requests', function()
    return vim.tbl_isempty(client.requests)
  end)
  return answered
end

local answered
local bursts = 0
repeat
  bursts = bursts + 1
  check(bursts <= MAX_BURSTS, 'no request was cancelled')
  answered = answered_of_a_burst()
until answered < BURST
vim.api.nvim_buf_delete(0, { force = true })
vim.api.nvim_set_current_buf(caller)
compare('after the burst', root)

client:stop()
wait('the end', function()
  return ended
end)
check(ended.code == 0 and ended.signal == 0, vim.inspect(ended))
check(#errors == 0, table.concat(errors, '\n'))
io.stdout:write(('%d contexts compared, %d of %d cancelled\n'):format(compared, BURST - answered, BURST))
