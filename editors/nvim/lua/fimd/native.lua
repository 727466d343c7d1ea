--- Neovim's own inline completion (since 0.12) in place of `fimd.ghost`. It cannot
--- accept a word or a line, and it cannot hide what is shown.

local M = {}

---@return boolean
function M.is_there()
  return vim.lsp.inline_completion ~= nil
end

--- Lets Neovim show the completions of `client`, or keeps it from that.
---@param client vim.lsp.Client
---@param on boolean
function M.attach(client, on)
  vim.lsp.inline_completion.enable(on, { client_id = client.id })
end

---@param buf integer
---@return boolean whether something was shown
function M.accept(buf)
  return vim.lsp.inline_completion.get({ bufnr = buf })
end

---@param buf integer
---@param step integer
function M.cycle(buf, step)
  vim.lsp.inline_completion.select({ bufnr = buf, count = step })
end

return M
