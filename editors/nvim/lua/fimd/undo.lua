--- Steps of undo.

local M = {}

--- Ends the step of undo that is open in a buffer: what comes next is another.
---@param buf integer
function M.close(buf)
  vim.api.nvim_buf_call(buf, function()
    -- Setting it closes the step, even to what it is.
    vim.cmd('let &g:undolevels = &g:undolevels')
  end)
end

--- Where a buffer is in the history of its changes.
---@param buf integer
---@return integer
function M.now(buf)
  return vim.api.nvim_buf_call(buf, function()
    return vim.fn.undotree().seq_cur
  end)
end

--- Lets what comes next belong to the last step.
---@param buf integer
function M.join(buf)
  vim.api.nvim_buf_call(buf, function()
    vim.cmd('undojoin')
  end)
end

return M
