--- Template functions for minuet-ai, with the context of the project before the
--- prefix.

local M = {}

--- How long a prompt may wait for the context, in milliseconds. The server needs a
--- few.
M.timeout_ms = 100

--- The part of the prompt before the cursor.
---@param before string the text before the cursor
---@return string
function M.prompt(before)
  local context = require('fimd').get_context_now(nil, nil, M.timeout_ms)
  return (context or '') .. before
end

--- The part of the prompt after the cursor.
---@param _ string
---@param after string the text after the cursor
---@return string
function M.suffix(_, after)
  return after
end

return M
