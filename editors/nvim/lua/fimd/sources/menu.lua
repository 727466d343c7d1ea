--- Completions as items of a menu: the common part of the sources for nvim-cmp and
--- blink.cmp.

local cursor = require('fimd.cursor')
local server = require('fimd.server')
local switch = require('fimd.switch')

local M = {}

local INVOKED, AUTOMATIC = 1, 2

local function item_of(inline, place, filetype)
  local text = inline.insertText
  local first, more = text:match('^([^\n]*)(\n?)')
  return {
    label = vim.trim(first) .. (more ~= '' and ' …' or ''),
    -- The user has typed nothing of it yet, so the menu must not filter it.
    filterText = text,
    textEdit = { newText = text, range = inline.range or { start = place, ['end'] = place } },
    documentation = { kind = 'markdown', value = ('```%s\n%s\n```'):format(filetype, text) },
    data = { command = inline.command },
  }
end

--- Whether the current buffer has a server.
---@return boolean
function M.is_available()
  return server.client(vim.api.nvim_get_current_buf()) ~= nil
end

--- Asks for completions at the cursor and passes them on as LSP's `CompletionItem`.
---@param is_invoked boolean whether the user asked for it
---@param done fun(items: table[])
---@return fun() cancel
function M.items(is_invoked, done)
  local buf = vim.api.nvim_get_current_buf()
  local client = server.client(buf)
  local is_quiet = not is_invoked and switch.snoozed() ~= nil
  if not client or is_quiet then
    done({})
    return function() end
  end
  local row, column = cursor.get()
  local place = { line = row, character = column }
  local filetype = vim.bo[buf].filetype
  return server.request(buf, client, 'textDocument/inlineCompletion', {
    textDocument = { uri = vim.uri_from_bufnr(buf) },
    position = place,
    context = { triggerKind = is_invoked and INVOKED or AUTOMATIC },
  }, function(err, result)
    -- A menu has many sources, so it shows no error of this one.
    local items = not err and result and (result.items or result) or {}
    done(vim.tbl_map(function(inline)
      return item_of(inline, place, filetype)
    end, items))
  end)
end

--- Tells the server that the user accepted an item.
---@param item table
function M.accepted(item)
  local buf = vim.api.nvim_get_current_buf()
  local client = server.client(buf)
  local command = item.data and item.data.command
  if client and command then
    server.request(buf, client, 'workspace/executeCommand', {
      command = command.command,
      arguments = command.arguments,
    }, function() end)
  end
end

return M
