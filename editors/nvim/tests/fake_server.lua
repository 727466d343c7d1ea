-- A language server that a test controls.
--
-- nvim --headless -u NONE -l fake_server.lua
--
-- It synchronises documents as LSP prescribes, and answers `initialize` and
-- `shutdown` by itself. The test controls everything else by notifications:
--
--   fake/answer {method, result | error}  sets the answer to requests of a method
--   fake/hold   {method}                  holds requests of a method unanswered
--   fake/reply  {method, result | error}  answers the oldest held request
--   fake/send   {method, params, id?}     sends a message
--   fake/exit   {code}                    ends the server at once
--
-- and by requests: `fake/log` returns all messages received, `fake/text` {uri} a
-- document as the server knows it, `fake/answers` the client's answers to requests
-- that `fake/send` sent.
--
-- With the argument `--refuse` it refuses `initialize`. With `--version`, `status`
-- or `log` it prints what stands for fimd's words.

io.stdout:setvbuf('no')

if vim.list_contains(arg, '--version') then
  io.stdout:write('fimd 0.0.0-fake\n')
  os.exit(0)
end
if vim.list_contains(arg, 'status') then
  io.stdout:write('status of ' .. io.stdin:read('*a') .. '\n')
  os.exit(0)
end
if vim.list_contains(arg, 'log') then
  io.stdout:write('a run of a tag\n')
  os.exit(0)
end

local scripted = {
  ['fimd/status'] = { result = { version = '0.0.0-fake' } },
}
local held = {}
local log = {}
local documents = {}
local answers = {}

local function send(message)
  message.jsonrpc = '2.0'
  local body = vim.json.encode(message)
  io.stdout:write(('Content-Length: %d\r\n\r\n%s'):format(#body, body))
  io.stdout:flush()
end

local function reply(id, outcome)
  if outcome.error then
    send({ id = id, error = outcome.error })
  else
    local result = outcome.result
    send({ id = id, result = result == nil and vim.NIL or result })
  end
end

local function offset(text, position)
  local at = 1
  for _ = 1, position.line do
    at = text:find('\n', at, true) + 1
  end
  return at + position.character
end

local function change(params)
  local document = documents[params.textDocument.uri]
  for _, edit in ipairs(params.contentChanges) do
    local text = document.text
    local start, stop = offset(text, edit.range.start), offset(text, edit.range['end'])
    document.text = text:sub(1, start - 1) .. edit.text .. text:sub(stop)
  end
  document.version = params.textDocument.version
end

local on = {
  initialize = function(message)
    if vim.list_contains(arg, '--refuse') then
      return reply(message.id, {
        error = { code = -32602, message = 'project_root: too many files' },
      })
    end
    reply(message.id, {
      result = {
        capabilities = {
          positionEncoding = 'utf-8',
          textDocumentSync = { openClose = true, change = 2 },
          inlineCompletionProvider = vim.empty_dict(),
          executeCommandProvider = {
            commands = { 'fimd.tags.generate', 'fimd.tags.repeat', 'fimd.completion.accepted' },
          },
          codeActionProvider = true,
          hoverProvider = true,
          completionProvider = { triggerCharacters = { '[', ';', '{', ',' } },
          semanticTokensProvider = {
            legend = {
              tokenTypes = {
                'macro', 'keyword', 'comment', 'type', 'property', 'function', 'string', 'number',
              },
              tokenModifiers = { 'readonly' },
            },
            full = true,
          },
          experimental = {
            fimd = { version = '0.0.0-fake', file_count = 3, bm25_chunks = 7 },
          },
        },
        serverInfo = { name = 'fimd', version = '0.0.0-fake' },
      },
    })
  end,
  shutdown = function(message)
    reply(message.id, {})
  end,
  exit = function()
    os.exit(0)
  end,
  ['textDocument/didOpen'] = function(message)
    local document = message.params.textDocument
    documents[document.uri] = document
  end,
  ['textDocument/didChange'] = function(message)
    change(message.params)
  end,
  ['textDocument/didClose'] = function(message)
    documents[message.params.textDocument.uri] = nil
  end,
  ['$/cancelRequest'] = function(message)
    for index, request in ipairs(held) do
      if request.id == message.params.id then
        table.remove(held, index)
        reply(request.id, { error = { code = -32800, message = 'cancelled' } })
        return
      end
    end
  end,
  ['fake/answer'] = function(message)
    scripted[message.params.method] = message.params
  end,
  ['fake/hold'] = function(message)
    scripted[message.params.method] = 'hold'
  end,
  ['fake/reply'] = function(message)
    for index, request in ipairs(held) do
      if request.method == message.params.method then
        table.remove(held, index)
        reply(request.id, message.params)
        return
      end
    end
    error('nothing is held: ' .. message.params.method)
  end,
  ['fake/send'] = function(message)
    send(message.params)
  end,
  ['fake/exit'] = function(message)
    os.exit(message.params.code)
  end,
  ['fake/log'] = function(message)
    reply(message.id, { result = log })
  end,
  ['fake/text'] = function(message)
    reply(message.id, { result = documents[message.params.uri] or vim.NIL })
  end,
  ['fake/answers'] = function(message)
    reply(message.id, { result = answers })
  end,
}

while true do
  local length
  repeat
    local header = io.stdin:read('*l')
    if not header then
      os.exit(1)
    end
    length = tonumber(header:match('^Content%-Length: (%d+)')) or length
  until header == '\r' or header == ''
  local message = vim.json.decode(io.stdin:read(length), { luanil = { object = true } })
  local method = message.method
  if method and not method:match('^fake/') then
    log[#log + 1] = message
  end
  if on[method] then
    on[method](message)
  elseif not method then
    answers[#answers + 1] = message
  elseif message.id then
    local outcome = scripted[method]
    if outcome == 'hold' then
      held[#held + 1] = message
    else
      reply(message.id, outcome or { result = nil })
    end
  end
end
