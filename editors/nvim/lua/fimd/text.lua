--- Pure functions on the text of completions.

local M = {}

--- The first word of `text` with the white space before it.
---@param text string
---@return string
function M.word(text)
  return text:match('^%s*[%w_$\128-\255]+') or text:match('^%s*[^%w_$%s\128-\255]+') or text
end

--- The first line of `text`; if `text` begins with an end of line, that and
--- the line after it.
---@param text string
---@return string
function M.line(text)
  return text:match('^\n?[^\n]*')
end

--- Replaces the tabs of `text` by spaces as they look from screen column `column`
--- (0-based) on. Neovim does not expand tabs in virtual text.
---@param text string
---@param column integer
---@param tabstop integer
---@return string
function M.expand(text, column, tabstop)
  local parts = {}
  for run, tab in text:gmatch('([^\t]*)(\t?)') do
    parts[#parts + 1] = run
    column = column + vim.api.nvim_strwidth(run)
    if tab ~= '' then
      local width = tabstop - column % tabstop
      parts[#parts + 1] = (' '):rep(width)
      column = column + width
    end
  end
  return table.concat(parts)
end

--- The place where `text` ends that begins at a given place. Rows and columns are
--- 0-based, columns in bytes.
---@param text string
---@param row integer
---@param column integer
---@return integer row
---@return integer column
function M.ending(text, row, column)
  local lines = vim.split(text, '\n', { plain = true })
  if #lines == 1 then
    return row, column + #text
  end
  return row + #lines - 1, #lines[#lines]
end

--- Converts a colour from Tk's notation to Neovim's; nil if Neovim does not know
--- the name.
---@param colour string
---@return string?
function M.colour(colour)
  local digits = colour:match('^#(%x+)$')
  if digits and #digits % 3 == 0 and #digits <= 12 then
    local width = #digits / 3
    local parts = {}
    for start = 1, #digits, width do
      local part = digits:sub(start, start + width - 1)
      parts[#parts + 1] = width == 1 and part .. part or part:sub(1, 2)
    end
    return '#' .. table.concat(parts)
  end
  -- Tk's names may have spaces; Neovim's have none.
  local name = colour:gsub(' ', '')
  return vim.api.nvim_get_color_by_name(name) >= 0 and name or nil
end

return M
