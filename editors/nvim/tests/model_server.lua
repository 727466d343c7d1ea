-- A model server for tests, in the loop of the Neovim that runs them. It can go down
-- and come back at the same port.

local M = {}

---@class ModelServer
---@field url string
---@field prompts string[] the prompts so far
---@field answer string what it says
---@field port integer
local Server = {}
Server.__index = Server

local function response(media_type, body)
  local head = 'HTTP/1.1 200 OK\r\nContent-Type: %s\r\nConnection: close\r\n\r\n%s'
  return head:format(media_type, body)
end

local function event(data)
  return 'data: ' .. vim.json.encode(data) .. '\n\n'
end

--- The answer to a request, or nil if the request is not whole yet.
---@param self ModelServer
---@param request string
local function answer_to(self, request)
  local head, body = request:match('^(.-)\r\n\r\n(.*)$')
  if not head then
    return
  end
  if head:match('^GET') then
    return response('application/json', '{"data":[{"id":"tiny"}]}')
  end
  if #body < tonumber(head:lower():match('content%-length: (%d+)')) then
    return
  end
  table.insert(self.prompts, vim.json.decode(body).prompt)
  local text = event({
    choices = { { text = self.answer, finish_reason = vim.NIL } },
    timings = { cache_n = 1090, prompt_n = 10, prompt_ms = 5.0 },
  })
  local last = event({ choices = { { text = '', finish_reason = 'stop' } } })
  return response('text/event-stream', text .. last .. 'data: [DONE]\n\n')
end

--- Listens.
function Server:up()
  self.socket = assert(vim.uv.new_tcp())
  assert(self.socket:bind('127.0.0.1', self.port))
  assert(self.socket:listen(16, function()
    local client = assert(vim.uv.new_tcp())
    self.socket:accept(client)
    local request = ''
    client:read_start(function(_, data)
      request = request .. (data or '')
      local answer = data and answer_to(self, request)
      if answer then
        client:write(answer, function()
          client:close()
        end)
      elseif not data and not client:is_closing() then
        client:close()
      end
    end)
  end))
  self.port = self.socket:getsockname().port
  self.url = 'http://127.0.0.1:' .. self.port
end

--- Listens no more, so that connections are refused.
function Server:down()
  self.socket:close()
end

--- A server that listens at a free port.
---@param answer string
---@return ModelServer
function M.start(answer)
  local server = setmetatable({ port = 0, prompts = {}, answer = answer }, Server)
  server:up()
  return server
end

return M
