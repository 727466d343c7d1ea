--- Windows with text to read.

local M = {}

--- Shows `lines` in a new window at the top; `q` closes it.
---@param title string
---@param lines string[]
---@param filetype string?
---@return integer buf
function M.show(title, lines, filetype)
  local buf = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_lines(buf, 0, -1, true, lines)
  vim.api.nvim_buf_set_name(buf, ('fimd://%s/%d'):format(title, buf))
  vim.bo[buf].bufhidden = 'wipe'
  vim.bo[buf].modifiable = false
  vim.keymap.set('n', 'q', '<Cmd>close<CR>', { buffer = buf, desc = 'close' })
  vim.cmd.split()
  vim.api.nvim_win_set_buf(0, buf)
  if filetype then
    vim.bo[buf].filetype = filetype
  end
  return buf
end

return M
