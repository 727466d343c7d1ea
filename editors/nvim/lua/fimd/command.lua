--- `:Fimd`, with its subcommands and their completion.

local M = {}

---@type table<string, fun(fimd: table, args: string[])>
local subcommands = {
  status = function(fimd)
    fimd.status()
  end,
  complete = function(fimd)
    fimd.complete()
  end,
  accept = function(fimd, args)
    fimd.accept(args[1])
  end,
  next = function(fimd)
    fimd.cycle(1)
  end,
  previous = function(fimd)
    fimd.cycle(-1)
  end,
  dismiss = function(fimd)
    fimd.dismiss()
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
  log = function(fimd)
    fimd.log()
  end,
  context = function(fimd)
    fimd.show_context()
  end,
  dataset = function(fimd, args)
    if #args == 1 and args[1] == 'cancel' then
      fimd.cancel_dataset()
    else
      fimd.dataset(args)
    end
  end,
  restart = function(fimd)
    fimd.restart()
  end,
  enable = function(fimd, args)
    fimd.enable(true, args[1])
  end,
  disable = function(fimd, args)
    fimd.enable(false, args[1])
  end,
  snooze = function(fimd, args)
    fimd.snooze(tonumber(args[1]))
  end,
}

--- What can be switched: the file types of the options, the project, the buffer.
local function switchable()
  local config = require('fimd.server').config() or require('fimd.config').defaults()
  local all = { 'buffer', 'project' }
  vim.list_extend(all, config.filetypes)
  return vim.list_extend(all, config.tag_filetypes)
end

--- The possible arguments of a subcommand.
---@type table<string, fun(): string[]>
local arguments = {
  accept = function()
    return { 'all', 'line', 'word' }
  end,
  enable = switchable,
  disable = switchable,
}

---@param command table as Neovim passes it
function M.run(command)
  local args = vim.deepcopy(command.fargs)
  local name = table.remove(args, 1)
  local subcommand = subcommands[name]
  local known = arguments[name] and arguments[name]()
  local why
  if not subcommand then
    why = ('`%s` is not a subcommand: there are %s'):format(name, table.concat(M.names(), ', '))
  elseif known and args[1] and not vim.list_contains(known, args[1]) then
    why = ('%s: expected %s, found `%s`'):format(name, table.concat(known, ', '), args[1])
  elseif name == 'snooze' and args[1] and (tonumber(args[1]) or -1) < 0 then
    why = ('snooze: expected a number of minutes, found `%s`'):format(args[1])
  elseif not require('fimd.server').config() then
    why = 'call require("fimd").setup() first'
  end
  if why then
    vim.notify('fimd: ' .. why, vim.log.levels.ERROR)
  else
    subcommand(require('fimd'), args)
  end
end

--- The subcommands, in order.
---@return string[]
function M.names()
  local names = vim.tbl_keys(subcommands)
  table.sort(names)
  return names
end

--- The completions at the end of a command line.
---@param lead string
---@param line string
---@return string[]
function M.complete(lead, line)
  local words = vim.split(vim.trim(line:match('Fimd!?%s+(.*)$') or ''), '%s+')
  local is_first = #words <= 1 and not line:match('Fimd!?%s+%S+%s')
  local candidates = M.names()
  if not is_first then
    if words[1] == 'dataset' then
      return vim.fn.getcompletion(lead, 'dir')
    end
    candidates = arguments[words[1]] and arguments[words[1]]() or {}
  end
  return vim.tbl_filter(function(candidate)
    return vim.startswith(candidate, lead)
  end, candidates)
end

return M
