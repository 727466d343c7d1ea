--- Keys. The plugin maps only the keys that `setup` asks for; `<Plug>` mappings
--- always exist.

local config = require('fimd.config')

local M = {}

--- The actions. An action of insert mode returns whether it did something; if not,
--- the key does what it did before.
local act = {
  accept = function(fimd)
    return fimd.accept('all')
  end,
  accept_word = function(fimd)
    return fimd.accept('word')
  end,
  accept_line = function(fimd)
    return fimd.accept('line')
  end,
  next = function(fimd)
    return fimd.cycle(1)
  end,
  previous = function(fimd)
    return fimd.cycle(-1)
  end,
  dismiss = function(fimd)
    return fimd.dismiss()
  end,
  complete = function(fimd)
    fimd.complete()
    return true
  end,
  generate = function(fimd)
    fimd.generate()
  end,
  interrupt = function(fimd)
    fimd.interrupt()
  end,
  ['repeat'] = function(fimd)
    fimd.repeat_last()
  end,
  paste = function(fimd)
    fimd.paste()
  end,
  apply = function(fimd)
    fimd.apply()
  end,
}

--- Runs an action.
---@param action string
function M.act(action)
  act[action](require('fimd'))
end

local function type_keys(keys, mode)
  -- Goes before the keys that were typed ahead.
  vim.api.nvim_feedkeys(vim.keycode(keys), mode .. 'i', false)
end

--- Returns a function that does what the key did before the plugin mapped it.
local function former(mode, keys)
  local mapping = vim.fn.maparg(keys, mode, false, true)
  if vim.tbl_isempty(mapping) or mapping.buffer == 1 then
    return function()
      type_keys(keys, 'n')
    end
  end
  return function()
    local output = mapping.rhs
    if mapping.callback then
      output = mapping.callback()
    elseif mapping.expr == 1 then
      output = vim.api.nvim_eval(mapping.rhs)
    end
    -- A callback that is not an expression mapping has done its work.
    if (mapping.expr == 1 or not mapping.callback) and type(output) == 'string' and output ~= '' then
      type_keys(output, mapping.noremap == 1 and 'n' or 'm')
    end
  end
end

--- The mapped keys: mode and key, with what the key did before.
---@type { [1]: string, [2]: string, [3]: table }[]
local set = {}

--- Maps keys to actions and restores the keys that an earlier call mapped.
---@param keys table<string, string>
function M.set(keys)
  for _, entry in ipairs(set) do
    local mode, key, before = unpack(entry)
    vim.keymap.del(mode, key)
    if not vim.tbl_isempty(before) then
      vim.fn.mapset(mode, false, before)
    end
  end
  set = {}
  for action, key in pairs(keys) do
    local mode, _, what = unpack(config.actions[action])
    local before = vim.fn.maparg(key, mode, false, true)
    before = before.buffer == 0 and before or {}
    local fall_back = former(mode, key)
    vim.keymap.set(mode, key, function()
      if act[action](require('fimd')) == false then
        fall_back()
      end
    end, { desc = 'fimd: ' .. what })
    table.insert(set, { mode, key, before })
  end
end

return M
