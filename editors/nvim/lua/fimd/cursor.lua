--- The position of the cursor.

local M = {}

--- Whether Neovim is in insert mode.
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

--- Whether the cursor is on the last character of its line, or after it.
---@return boolean
function M.is_at_end()
  local line = vim.api.nvim_get_current_line()
  local _, column = M.get()
  return column >= #line or column + 1 + vim.str_utf_end(line, column + 1) == #line
end

--- The place where text goes in. In insert mode that is the cursor. In other modes
--- it is before the character under the cursor, and at the end of a line after it.
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
