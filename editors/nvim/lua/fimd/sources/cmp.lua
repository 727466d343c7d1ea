--- A source for nvim-cmp.

local menu = require('fimd.sources.menu')

local Source = {}
Source.__index = Source

--- Makes a source to register.
function Source.new()
  return setmetatable({}, Source)
end

function Source:is_available()
  return menu.is_available()
end

function Source:get_debug_name()
  return 'fimd'
end

function Source:get_trigger_characters()
  return { '>', ':', '(', '[', '{', ',', ' ', '=' }
end

function Source:complete(params, callback)
  local option = params.context and params.context.option
  menu.items(option ~= nil and option.reason == 'manual', function(items)
    callback({ items = items, isIncomplete = true })
  end)
end

function Source:execute(item, callback)
  menu.accepted(item)
  callback(item)
end

return Source
