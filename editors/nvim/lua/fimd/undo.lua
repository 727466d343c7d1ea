--- Steps of undo.

local M = {}

--- Ends the open step of undo in a buffer: the next change begins a new one.
---@param buf integer
function M.close(buf)
  vim.api.nvim_buf_call(buf, function()
    -- Setting the option closes the step, even to the value that it has.
    vim.cmd('let &g:undolevels = &g:undolevels')
  end)
end

--- The sequence number of the last change of a buffer.
---@param buf integer
---@return integer
function M.now(buf)
  return vim.api.nvim_buf_call(buf, function()
    return vim.fn.undotree().seq_cur
  end)
end

--- Joins the next change to the last step of undo.
---@param buf integer
function M.join(buf)
  vim.api.nvim_buf_call(buf, function()
    vim.cmd('undojoin')
  end)
end

return M
