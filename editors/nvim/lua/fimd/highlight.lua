--- Highlight groups for completions, for the parts of tags, and for the colours
--- that a config tag has set.

local server = require('fimd.server')
local text = require('fimd.text')

local M = {}

--- The groups, and the groups that they link to by default.
M.links = {
  FimdGhost = 'Comment',
  FimdTag = 'Macro',
  FimdBoundary = 'Keyword',
  FimdBoundaryHard = 'Keyword',
  FimdComment = 'Comment',
  FimdConfig = 'Type',
  FimdSetting = 'Identifier',
  FimdFunction = 'Function',
  FimdString = 'String',
  FimdNumber = 'Number',
}

--- The groups for the server's semantic tokens.
local TOKENS = {
  macro = 'FimdTag',
  keyword = 'FimdBoundary',
  comment = 'FimdComment',
  type = 'FimdConfig',
  property = 'FimdSetting',
  ['function'] = 'FimdFunction',
  string = 'FimdString',
  number = 'FimdNumber',
}

local function define()
  for name, link in pairs(M.links) do
    vim.api.nvim_set_hl(0, name, { link = link, default = true })
  end
end

local function on_token(event)
  local token, client_id = event.data.token, event.data.client_id
  local name = TOKENS[token.type]
  if not name or not server.is_ours(client_id) then
    return
  end
  if name == 'FimdBoundary' and token.modifiers.readonly then
    name = 'FimdBoundaryHard'
  end
  vim.lsp.semantic_tokens.highlight_token(token, event.buf, client_id, name)
end

--- Defines groups with the colours of the section `[editor]`. Leaves a group alone
--- whose colour is not set or not known.
---@param editor table
function M.style(editor)
  local function colour(key)
    local value = editor[key]
    return type(value) == 'string' and text.colour(value) or nil
  end
  local fg, bg = colour('fg_color'), colour('bg_color')
  local caret, selection = colour('caret_color'), colour('selection_color')
  if fg or bg then
    vim.api.nvim_set_hl(0, 'FimdNormal', { fg = fg, bg = bg })
  end
  if caret then
    vim.api.nvim_set_hl(0, 'FimdCaret', { bg = caret })
  end
  if selection then
    vim.api.nvim_set_hl(0, 'FimdSelection', { bg = selection })
  end
end

--- Defines the groups now and whenever the colour scheme changes.
function M.setup()
  local group = vim.api.nvim_create_augroup('fimd.highlight', {})
  vim.api.nvim_create_autocmd('ColorScheme', { group = group, callback = define })
  vim.api.nvim_create_autocmd('LspTokenUpdate', { group = group, callback = on_token })
  define()
end

return M
