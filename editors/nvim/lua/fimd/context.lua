--- The cross-file context of a place, for other plugins and for the user to read.

local cursor = require('fimd.cursor')
local scratch = require('fimd.scratch')
local server = require('fimd.server')

local M = {}

---@class fimd.ContextOptions
---@field max_chars integer? the most characters of the context
---@field min_score number? leaves out declarations less likely than this, from 0 to 1
---@field explain boolean? whether the answer says where each snippet is from

local function params(buf, pos, options)
  local row, column = pos[1], pos[2]
  return vim.tbl_extend('force', options or {}, {
    textDocument = { uri = vim.uri_from_bufnr(buf) },
    position = { line = row - 1, character = column },
  })
end

local function resolve(buf, pos)
  buf = (buf == nil or buf == 0) and vim.api.nvim_get_current_buf() or buf
  if not pos and buf == vim.api.nvim_get_current_buf() then
    local row, column = cursor.place()
    pos = { row + 1, column }
  elseif not pos then
    local win = vim.fn.bufwinid(buf)
    pos = win ~= -1 and vim.api.nvim_win_get_cursor(win) or vim.api.nvim_buf_get_mark(buf, '"')
  end
  return buf, pos
end

--- Gets the context of a place in a buffer. Calls `done(nil, answer)` with the
--- string `answer.context`, or `done(why)`.
---@param buf integer? default the current one
---@param pos integer[]? row (from 1) and column (in bytes from 0); default the cursor
---@param done fun(why: string?, answer: table?)
---@param options fimd.ContextOptions?
---@return fun() cancel
function M.get(buf, pos, done, options)
  buf, pos = resolve(buf, pos)
  local cancel
  local is_cancelled = false
  server.when_ready(buf, function(client, why)
    if is_cancelled then
      return done('cancelled')
    end
    if not client then
      return done(why)
    end
    cancel = server.request(buf, client, 'getContext', params(buf, pos, options), function(err, answer)
      done(err and err.message, answer)
    end)
  end)
  return function()
    is_cancelled = true
    if cancel then
      cancel()
    end
  end
end

--- Like `get`, but waits for the answer, at most `timeout_ms` milliseconds. For
--- plugins that build their prompts synchronously.
---@param buf integer?
---@param pos integer[]?
---@param timeout_ms integer
---@param options fimd.ContextOptions?
---@return string? context
---@return string? why there is none
function M.get_now(buf, pos, timeout_ms, options)
  local is_done, why, answer = false, nil, nil
  local cancel = M.get(buf, pos, function(...)
    why, answer = ...
    is_done = true
  end, options)
  vim.wait(timeout_ms, function()
    return is_done
  end, 1)
  if not is_done then
    cancel()
    return nil, ('no answer within %d ms'):format(timeout_ms)
  end
  return answer and answer.context, why
end

local function source_line(entry, is_dropped)
  local range = entry.start and entry['end'] and (':%d-%d'):format(entry.start, entry['end']) or ''
  local why = is_dropped and entry.reason and ': ' .. tostring(entry.reason) or ''
  local score = type(entry.score) == 'number' and (' %.4f'):format(entry.score) or ''
  return ('//  %s%s  %s%s%s'):format(entry.path or '?', range, entry.source or '', score, why)
end

--- Shows the context of the cursor in a window: its snippets with their sources,
--- and what was left out.
function M.show()
  M.get(nil, nil, function(why, answer)
    if not answer then
      vim.notify('fimd: ' .. why, vim.log.levels.ERROR)
      return
    end
    local lines = vim.split(answer.context, '\n', { plain = true })
    local function list(title, entries, is_dropped)
      if entries and #entries > 0 then
        vim.list_extend(lines, { '', ('// %s:'):format(title) })
        for _, entry in ipairs(entries) do
          lines[#lines + 1] = source_line(entry, is_dropped)
        end
      end
    end
    list('sent', answer.snippets, false)
    list('left out', answer.dropped, true)
    scratch.show('context', lines, 'fimdcontext')
  end, { explain = true })
end

return M
