--- Tells the server where the cursor rests, so that the model server may read ahead
--- what it needs there. The server decides whether that is worth it, and whether the
--- model server has nothing else to do.

local cursor = require('fimd.cursor')
local server = require('fimd.server')

local M = {}

--- How long the cursor must rest, in milliseconds.
M.REST_MS = 500

local group = vim.api.nvim_create_augroup('fimd.read_ahead', {})

---@type uv.uv_timer_t?
local timer

local function stop()
  if timer then
    timer:stop()
    timer:close()
    timer = nil
  end
end

---@param buf integer
local function tell(buf)
  local client = buf == vim.api.nvim_get_current_buf() and server.client(buf)
  if not client or not server.is_automatic(buf) then
    return
  end
  local row, column = cursor.place()
  server.call(client, 'notify', 'completion/readAhead', {
    textDocument = { uri = vim.uri_from_bufnr(buf) },
    position = { line = row, character = column },
  })
end

--- Tells the server of `buf` where the cursor is once it has rested.
---@param buf integer
local function rest(buf)
  stop()
  timer = vim.defer_fn(function()
    timer = nil
    tell(buf)
  end, M.REST_MS)
end

--- Whether the cursor has yet to rest.
---@return boolean
function M.is_waiting()
  return timer ~= nil
end

--- Begins with the place where the cursor is.
---@param buf integer
function M.attach(buf)
  vim.api.nvim_clear_autocmds({ group = group, buffer = buf })
  vim.api.nvim_create_autocmd({ 'BufEnter', 'CursorMoved', 'CursorMovedI' }, {
    group = group,
    buffer = buf,
    callback = function()
      rest(buf)
    end,
  })
  if buf == vim.api.nvim_get_current_buf() then
    rest(buf)
  end
end

return M
