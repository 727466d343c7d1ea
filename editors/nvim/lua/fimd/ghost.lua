--- Shows completions as grey text at the cursor, with extmarks.
---
--- A buffer shows at most one completion and has at most one request under way.
--- When the user types what is shown, the plugin shortens it and sends no request.
---
--- The first completion comes alone, since that is quickest. The plugin asks for
--- others when the user wants to see the next or the previous one.

local cursor = require('fimd.cursor')
local model_state = require('fimd.model_state')
local server = require('fimd.server')
local text = require('fimd.text')
local undo = require('fimd.undo')

local M = {}

local INVOKED, AUTOMATIC = 1, 2

-- How many other completions the plugin asks for.
local OTHERS = 2

local namespace = vim.api.nvim_create_namespace('fimd.ghost')
local group = vim.api.nvim_create_augroup('fimd.ghost', {})

---@class fimd.Item
---@field text string all the text that it inserts
---@field command table? to run after it was accepted
---@field id integer? by which the server knows it
---@field is_seen boolean? whether it was shown

---@class fimd.Shown
---@field row integer where the items' text begins, 0-based
---@field column integer in bytes
---@field tail integer how many bytes after the cursor the item replaces
---@field typed string the part of the text that is in the buffer already
---@field all fimd.Item[] all items
---@field items fimd.Item[] the items that begin with `typed`
---@field index integer the item that is shown
---@field has_others boolean whether the plugin has asked for other items

---@class fimd.Ghost
---@field shown fimd.Shown?
---@field left fimd.Shown? what was shown until the last change of the text
---@field timer uv.uv_timer_t?
---@field cancel fun()? cancels the request that is under way
---@field place integer[]? the cursor at the last look
---@field invoke boolean whether to ask on request when insert mode begins
---@field is_paused boolean whether showing is paused
---@field tick integer? the buffer's `changedtick` at the last look

---@type table<integer, fimd.Ghost>
local ghosts = {}

local function stop_waiting(ghost)
  if ghost.timer then
    ghost.timer:stop()
    ghost.timer:close()
    ghost.timer = nil
  end
  if ghost.cancel then
    ghost.cancel()
    ghost.cancel = nil
  end
end

--- Records the state of the buffer and the cursor. Returns whether the text has
--- changed since the last time, and the cursor.
---@param buf integer
local function seen(buf)
  local ghost = ghosts[buf]
  local tick, place = vim.api.nvim_buf_get_changedtick(buf), { cursor.get() }
  local is_changed, is_moved = tick ~= ghost.tick, not vim.deep_equal(place, ghost.place)
  ghost.tick, ghost.place = tick, place
  return is_changed, is_moved
end

local function hide(buf)
  ghosts[buf].shown, ghosts[buf].left = nil, nil
  if vim.api.nvim_buf_is_loaded(buf) then
    vim.api.nvim_buf_clear_namespace(buf, namespace, 0, -1)
  end
end

--- The shown text that is not in the buffer yet.
---@param shown fimd.Shown
local function rest(shown)
  return shown.items[shown.index].text:sub(#shown.typed + 1)
end

--- Scrolls the window until `count` lines below the cursor are visible, or as many
--- as the window can show.
---@param count integer
local function make_room(count)
  local row = vim.fn.winline()
  local missing = math.min(row + count - vim.api.nvim_win_get_height(0), row - 1)
  if missing > 0 then
    local view = vim.fn.winsaveview()
    view.topline = view.topline + missing
    vim.fn.winrestview(view)
  end
end

local function draw(buf)
  local shown = ghosts[buf].shown
  shown.items[shown.index].is_seen = true
  vim.api.nvim_buf_clear_namespace(buf, namespace, 0, -1)
  local row, column = text.ending(shown.typed, shown.row, shown.column)
  local line = vim.api.nvim_buf_get_lines(buf, row, row + 1, true)[1]
  local behind = line:sub(column + 1)
  local lines = vim.split(rest(shown), '\n', { plain = true })
  local tabstop = vim.bo[buf].tabstop
  local before = vim.fn.strdisplaywidth(line:sub(1, column))
  local first = text.expand(lines[1], before, tabstop)
  local mark = { hl_mode = 'combine', virt_text_pos = 'inline' }
  local below = {}
  for index = 2, #lines do
    below[#below + 1] = { { text.expand(lines[index], 0, tabstop), 'FimdGhost' } }
  end
  if #below > 0 and behind:match('%S') then
    -- The text after the cursor moves to the end of the last line.
    local width = vim.fn.strdisplaywidth(behind, before)
    first = first .. (' '):rep(width - vim.api.nvim_strwidth(first))
    mark.virt_text_pos = 'overlay'
    local moved = behind:sub(shown.tail + 1)
    local last = below[#below]
    last[#last + 1] = { text.expand(moved, vim.api.nvim_strwidth(last[1][1]), tabstop), 'Normal' }
  end
  mark.virt_text = { { first, 'FimdGhost' } }
  mark.virt_lines = #below > 0 and below or nil
  vim.api.nvim_buf_set_extmark(buf, namespace, row, column, mark)
  if #below > 0 and buf == vim.api.nvim_get_current_buf() then
    make_room(#below)
  end
end

--- The text from where the items begin to the cursor; nil if the cursor is before
--- that.
---@param buf integer
---@param shown fimd.Shown
local function typed_at(buf, shown)
  local row, column = cursor.get()
  if row < shown.row or row == shown.row and column < shown.column then
    return nil
  end
  local lines = vim.api.nvim_buf_get_text(buf, shown.row, shown.column, row, column, {})
  return table.concat(lines, '\n')
end

--- Tells the server that the user does not want the items that he has seen.
---@param buf integer
---@param shown fimd.Shown
local function decline(buf, shown)
  local client = server.client(buf)
  for _, item in ipairs(client and shown.all or {}) do
    if item.is_seen and item.id then
      server.call(client, 'notify', 'completion/declined', { id = item.id })
    end
  end
end

--- Declines what was left behind by the change before the last one, unless the last
--- one took the cursor back to it: then the other text was a slip.
---@param buf integer
local function decline_left(buf)
  local ghost = ghosts[buf]
  local left = ghost.left
  ghost.left = nil
  local typed = left and typed_at(buf, left)
  local is_on = typed and vim.iter(left.all):any(function(item)
    return vim.startswith(item.text, typed)
  end)
  if typed and not is_on then
    decline(buf, left)
  end
end

--- Shortens what is shown by what the user has typed of it. If the user has typed
--- something else or moved the cursor, hides it and returns false.
local function advance(buf)
  local shown = ghosts[buf].shown
  if not shown then
    return false
  end
  local typed = typed_at(buf, shown)
  local current = shown.items[shown.index]
  local items, index = {}, 1
  for _, item in ipairs(typed and shown.items or {}) do
    if #item.text > #typed and vim.startswith(item.text, typed) then
      items[#items + 1] = item
      if item == current then
        index = #items
      end
    end
  end
  if #items == 0 then
    hide(buf)
    return false
  end
  shown.typed, shown.items, shown.index = typed, items, index
  draw(buf)
  return true
end

--- How many bytes after the cursor a range replaces; nil if the range is not in the
--- cursor's line and around the cursor.
local function tail_of(range, row, column)
  local first, last = range.start, range['end']
  if last.line ~= row or last.character < column then
    return nil
  end
  if first.line > row or first.line == row and first.character > column then
    return nil
  end
  return last.character - column
end

--- The items of the server's answer for the cursor, and where they begin.
---@param result table?
---@return fimd.Item[], table? # the place: row, column and tail as in `fimd.Shown`
local function read(result)
  local row, column = cursor.get()
  local items, place = {}, nil
  for _, item in ipairs(result and (result.items or result) or {}) do
    local here = { line = row, character = column }
    local range = item.range or { start = here, ['end'] = here }
    local tail = tail_of(range, row, column)
    if tail and type(item.insertText) == 'string' then
      local start = range.start
      place = place or { row = start.line, column = start.character, tail = tail }
      -- All items have one range, that of the cursor.
      if place.row == start.line and place.column == start.character and place.tail == tail then
        local inserted = item.insertText:gsub('\r\n?', '\n')
        local arguments = item.command and item.command.arguments
        items[#items + 1] = {
          text = inserted,
          command = item.command,
          id = arguments and arguments[1] and arguments[1].id,
        }
      end
    end
  end
  return items, place
end

--- Shows the first of the items.
---@param buf integer
---@param items fimd.Item[]
---@param place table
local function show(buf, items, place)
  place.all, place.items, place.index, place.typed = items, items, 1, ''
  place.has_others = #items > 1
  ghosts[buf].shown = place
  advance(buf)
end

--- Asks the server for completions at the cursor. Calls `on_answer` with its answer
--- if the text and the cursor are still the same.
---@param buf integer
---@param trigger integer
---@param max_items integer
---@param on_answer fun(result: table?)
local function request(buf, trigger, max_items, on_answer)
  local ghost = ghosts[buf]
  local client = server.client(buf)
  if not ghost or not client or buf ~= vim.api.nvim_get_current_buf() then
    return
  end
  stop_waiting(ghost)
  local row, column = cursor.get()
  local tick = vim.api.nvim_buf_get_changedtick(buf)
  local asked = vim.uv.now()
  -- Sends pending changes first, so the request includes what was typed ahead.
  seen(buf)
  local cancel
  cancel = server.request(buf, client, 'textDocument/inlineCompletion', {
    textDocument = { uri = vim.uri_from_bufnr(buf) },
    position = { line = row, character = column },
    context = { triggerKind = trigger },
    max_items = max_items,
  }, function(err, result)
    if ghosts[buf] ~= ghost or ghost.cancel ~= cancel then
      return
    end
    ghost.cancel = nil
    if err then
      model_state.failed(client.id, err, trigger == INVOKED)
      return
    end
    -- A text that was known before tells nothing of the model server.
    if result and type(vim.tbl_get(result, 'timings', 'first_token_ms')) == 'number' then
      model_state.answered(client.id, vim.uv.now() - asked, result.timings)
    end
    local is_here = buf == vim.api.nvim_get_current_buf()
      and cursor.is_inserting()
      and vim.api.nvim_buf_get_changedtick(buf) == tick
      and vim.deep_equal({ cursor.get() }, { row, column })
    if is_here then
      on_answer(result)
    end
  end)
  ghost.cancel = cancel
end

--- Asks the server for a completion at the cursor and shows it.
---@param buf integer
---@param trigger integer
local function ask(buf, trigger)
  request(buf, trigger, 1, function(result)
    local items, place = read(result)
    if place and not ghosts[buf].shown then
      show(buf, items, place)
    end
    if trigger == INVOKED and not ghosts[buf].shown then
      vim.notify('fimd: nothing to complete here', vim.log.levels.INFO)
    end
  end)
end

--- Shows the item `step` further.
---@param buf integer
---@param step integer
local function turn(buf, step)
  local shown = ghosts[buf].shown
  shown.index = (shown.index - 1 + step) % #shown.items + 1
  draw(buf)
end

--- Asks the server for other completions than the one that is shown, and shows the
--- one `step` further.
---@param buf integer
---@param step integer
local function ask_others(buf, step)
  request(buf, INVOKED, OTHERS, function(result)
    local shown = ghosts[buf].shown
    if not shown then
      return
    end
    shown.has_others = true
    local known = {}
    for _, item in ipairs(shown.all) do
      known[item.text] = true
    end
    shown.all = vim.list_slice(shown.all)
    for _, item in ipairs(read(result)) do
      -- The answer begins at the cursor.
      item.text = shown.typed .. item.text
      if not known[item.text] then
        shown.all[#shown.all + 1] = item
        shown.items[#shown.items + 1] = item
      end
    end
    if #shown.items == 1 then
      vim.notify('fimd: the model has no other completion here', vim.log.levels.INFO)
    end
    turn(buf, step)
  end)
end

local function ask_soon(buf)
  local ghost = ghosts[buf]
  stop_waiting(ghost)
  local config = server.config()
  if ghost.is_paused or not server.is_automatic(buf) then
    return
  end
  ghost.timer = vim.defer_fn(function()
    ghost.timer = nil
    if ghosts[buf] == ghost and cursor.is_inserting() then
      ask(buf, AUTOMATIC)
    end
  end, config.debounce_ms)
end

--- Updates what is shown after the user may have typed or moved the cursor.
local function look(buf)
  local ghost = ghosts[buf]
  local is_changed, is_moved = seen(buf)
  if is_changed then
    decline_left(buf)
  end
  if not is_changed and not ghost.shown then
    if is_moved then
      stop_waiting(ghost)
    end
    return
  end
  local shown = ghost.shown
  local before = shown and shown.typed
  if advance(buf) then
    if before ~= ghost.shown.typed then
      stop_waiting(ghost)
    end
  elseif is_changed then
    ghost.left = shown
    ask_soon(buf)
  end
end

local function begin(buf)
  local ghost = ghosts[buf]
  seen(buf)
  if ghost.invoke then
    ghost.invoke = false
    ask(buf, INVOKED)
  else
    ask_soon(buf)
  end
end

--- Starts to show completions in a buffer.
---@param buf integer
function M.attach(buf)
  M.detach(buf)
  ghosts[buf] = { invoke = false, is_paused = false }
  local function on(events, act)
    vim.api.nvim_create_autocmd(events, {
      group = group,
      buffer = buf,
      callback = function()
        if ghosts[buf] then
          act(buf)
        end
      end,
    })
  end
  on('InsertEnter', begin)
  on({ 'TextChangedI', 'TextChangedP', 'CursorMovedI' }, look)
  on({ 'InsertLeave', 'BufLeave' }, M.clear_buffer)
  on({ 'BufUnload', 'BufWipeout' }, M.detach)
  if buf == vim.api.nvim_get_current_buf() and cursor.is_inserting() then
    begin(buf)
  end
end

---@param buf integer
function M.detach(buf)
  if ghosts[buf] then
    M.clear_buffer(buf)
    ghosts[buf] = nil
    vim.api.nvim_clear_autocmds({ group = group, buffer = buf })
  end
end

--- Detaches all buffers.
function M.clear()
  for _, buf in ipairs(vim.tbl_keys(ghosts)) do
    M.detach(buf)
  end
end

--- Hides what is shown and cancels the request under way.
---@param buf integer
function M.clear_buffer(buf)
  local ghost = ghosts[buf]
  if ghost then
    stop_waiting(ghost)
    hide(buf)
  end
end

--- The same on behalf of the user, who does not want what is shown.
---@param buf integer
function M.dismiss(buf)
  local shown = ghosts[buf] and ghosts[buf].shown
  if shown then
    decline(buf, shown)
  end
  M.clear_buffer(buf)
end

--- Pauses automatic completions in a buffer and hides what is shown, or ends the
--- pause. While a tag writes into the buffer, its changes are not typing.
---@param buf integer
---@param is_paused boolean
function M.pause(buf, is_paused)
  if ghosts[buf] then
    M.clear_buffer(buf)
    ghosts[buf].is_paused = is_paused
  end
end

--- The text that a buffer shows, if any.
---@param buf integer
---@return string?
function M.visible(buf)
  local shown = ghosts[buf] and ghosts[buf].shown
  return shown and rest(shown) or nil
end

--- Asks for a completion at the cursor. Starts insert mode first if needed.
---@param buf integer
---@return string? # why not
function M.complete(buf)
  local ghost = ghosts[buf]
  if not ghost then
    return server.why_not(buf) or server.gave_up(buf) or 'the server is not ready'
  end
  if cursor.is_inserting() then
    hide(buf)
    ask(buf, INVOKED)
    return
  end
  ghost.invoke = true
  vim.cmd.startinsert({ bang = cursor.is_at_end() })
end

--- Shows the item `step` further. Asks the model for others first if there is only
--- one.
---@param buf integer
---@param step integer
---@return boolean whether something was shown
function M.cycle(buf, step)
  local ghost = ghosts[buf]
  local shown = ghost and ghost.shown
  if not shown then
    return false
  end
  if shown.has_others then
    turn(buf, step)
  elseif not ghost.cancel then
    ask_others(buf, step)
  end
  return true
end

--- Inserts all of what is shown, or a part, into the buffer.
---@param buf integer
---@param part 'all'|'word'|'line'
---@return boolean whether something was shown
function M.accept(buf, part)
  local ghost = ghosts[buf]
  local shown = ghost and ghost.shown
  if not shown then
    return false
  end
  stop_waiting(ghost)
  local item = shown.items[shown.index]
  local left = rest(shown)
  local taken = part == 'word' and text.word(left) or part == 'line' and text.line(left) or left
  local is_whole = taken == left
  local row, column = text.ending(shown.typed, shown.row, shown.column)
  undo.close(buf)
  local replaced = is_whole and shown.tail or 0
  vim.api.nvim_buf_set_text(
    buf,
    row,
    column,
    row,
    column + replaced,
    vim.split(taken, '\n', { plain = true })
  )
  row, column = text.ending(taken, row, column)
  vim.api.nvim_win_set_cursor(0, { row + 1, column })
  seen(buf)
  if not is_whole then
    advance(buf)
    return true
  end
  hide(buf)
  local client = server.client(buf)
  if item.command and client then
    server.request(buf, client, 'workspace/executeCommand', {
      command = item.command.command,
      arguments = item.command.arguments,
    }, function(err)
      if err then
        model_state.failed(client.id, err, false)
      end
    end)
  end
  ask_soon(buf)
  return true
end

return M
