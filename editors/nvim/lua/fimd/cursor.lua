--- Where the cursor is.

local M = {}

--- Whether text is being typed.
---@return boolean
function M.is_inserting()
  return vim.api.nvim_get_mode().mode:match('^[iR]') ~= nil
end

--- Row and column of the cursor, both 0-based, the column in bytes.
---@return integer row
---@return integer column
function M.get()
  local row, column = unpack(vim.api.nvim_win_get_cursor(0))
  return row - 1, column
end

--- Whether the cursor is on the last character of its line, or behind it.
---@return boolean
function M.is_at_end()
  local line = vim.api.nvim_get_current_line()
  local _, column = M.get()
  return column >= #line or column + 1 + vim.str_utf_end(line, column + 1) == #line
end

--- The place that the cursor means: where text would go. Out of insert mode
--- that is in front of the character under the cursor, but at the end of a line
--- behind it.
---@return integer row
---@return integer column
function M.place()
  local row, column = M.get()
  if not M.is_inserting() and M.is_at_end() then
    column = #vim.api.nvim_get_current_line()
  end
  return row, column
end

return M
