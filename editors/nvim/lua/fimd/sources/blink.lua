--- A source for blink.cmp.

local menu = require('fimd.sources.menu')

local Source = {}
Source.__index = Source

--- The constructor that blink.cmp calls for a provider with this module.
function Source.new()
  return setmetatable({}, Source)
end

function Source:enabled()
  return menu.is_available()
end

function Source:get_trigger_characters()
  return { '>', ':', '(', '[', '{', ',', ' ', '=' }
end

function Source:get_completions(context, callback)
  return menu.items(context.trigger.kind == 'manual', function(items)
    callback({
      items = items,
      is_incomplete_forward = true,
      is_incomplete_backward = true,
    })
  end)
end

--- Inserts the item into the buffer and tells the server.
function Source:execute(_, item, callback, put)
  if put then
    put()
  end
  menu.accepted(item)
  callback()
end

return Source
