--- The options of `setup`: defaults and checks.

local M = {}

---@class fimd.Config
---@field cmd string[] the program and its first arguments
---@field connection 'daemon'|'process' share a daemon with other editors, or start a process
---@field socket string the daemon's socket
---@field filetypes string[] file types with completion
---@field tag_filetypes string[] file types with FIMpad tags
---@field disabled_projects string[] folders of projects without completion and tags
---@field endpoint table settings of the model server, over those of the settings file
---@field completion table settings of completions, over those of the settings file
---@field root_markers string[] files and folders that mark the root of a project
---@field include_paths string[] more folders whose files serve as context
---@field bm25 boolean whether contexts hold chunks of similar code
---@field max_buffer_bytes integer the plugin leaves larger buffers alone
---@field automatic boolean whether completions come as you type
---@field debounce_ms integer how long typing must pause before the plugin asks the server
---@field native boolean whether to use Neovim's own inline completion
---@field keymaps boolean|table<string, string> keys by action
---@field apply_style boolean whether the colours of config tags become highlight groups

--- The socket of the daemon: the same for every editor of this user.
---@return string
local function default_socket()
  local run = vim.env.XDG_RUNTIME_DIR
  if run and run ~= '' then
    return vim.fs.joinpath(run, 'fimd.sock')
  end
  local cache = vim.env.XDG_CACHE_HOME
  if not cache or cache == '' then
    cache = vim.fs.normalize('~/.cache')
  end
  return vim.fs.joinpath(cache, 'fimd', 'fimd.sock')
end

--- The keys that `keymaps = true` sets: mode, default key, description.
M.actions = {
  accept = { 'i', '<Tab>', 'take what is shown' },
  accept_word = { 'i', '<M-Right>', 'take a word of what is shown' },
  accept_line = { 'i', '<M-C-Right>', 'take a line of what is shown' },
  next = { 'i', '<M-]>', 'show the next completion' },
  previous = { 'i', '<M-[>', 'show the previous completion' },
  dismiss = { 'i', '<C-]>', 'hide what is shown' },
  complete = { 'i', '<M-\\>', 'ask for a completion now' },
  generate = { 'n', '<Leader>fg', 'generate at the tag under the cursor' },
  interrupt = { 'n', '<Leader>fi', 'stop generating' },
  ['repeat'] = { 'n', '<Leader>fr', 'run the last tag again, here' },
  paste = { 'n', '<Leader>fp', 'paste the last tag' },
  apply = { 'n', '<Leader>fa', 'apply the config tag under the cursor' },
}

---@return fimd.Config
function M.defaults()
  return {
    cmd = { 'fimd' },
    connection = 'daemon',
    socket = default_socket(),
    filetypes = { 'php' },
    tag_filetypes = { 'text', 'markdown', 'fimpad' },
    disabled_projects = {},
    endpoint = {},
    completion = {},
    root_markers = { 'composer.json', '.git', '.fimignore' },
    include_paths = {},
    bm25 = true,
    max_buffer_bytes = 1024 * 1024,
    automatic = true,
    debounce_ms = 30,
    native = false,
    keymaps = false,
    apply_style = false,
  }
end

local function is_strings(value)
  return vim.islist(value) and vim.iter(value):all(function(item)
    return type(item) == 'string'
  end)
end

local function is_whole(value)
  return type(value) == 'number' and value >= 0 and value % 1 == 0
end

local function of_type(name)
  return function(value)
    return type(value) == name
  end
end

local function is_settings(value)
  return type(value) == 'table'
    and vim.iter(pairs(value)):all(function(key)
      return type(key) == 'string'
    end)
end

local function is_keymaps(value)
  if type(value) == 'boolean' then
    return true
  end
  return type(value) == 'table'
    and vim.iter(pairs(value)):all(function(action, keys)
      return M.actions[action] ~= nil and type(keys) == 'string'
    end)
end

--- The type of each option, in words and as a check.
local kinds = {
  cmd = { 'a list of strings with the program first', function(value)
    return is_strings(value) and #value > 0
  end },
  connection = { '"daemon" or "process"', function(value)
    return value == 'daemon' or value == 'process'
  end },
  socket = { 'a path', of_type('string') },
  filetypes = { 'a list of file types', is_strings },
  tag_filetypes = { 'a list of file types', is_strings },
  disabled_projects = { 'a list of paths', is_strings },
  endpoint = { 'a table of settings', is_settings },
  completion = { 'a table of settings', is_settings },
  root_markers = { 'a list of file names', is_strings },
  include_paths = { 'a list of paths', is_strings },
  bm25 = { 'true or false', of_type('boolean') },
  max_buffer_bytes = { 'a whole number of bytes', is_whole },
  automatic = { 'true or false', of_type('boolean') },
  debounce_ms = { 'a whole number of milliseconds', is_whole },
  native = { 'true or false', of_type('boolean') },
  keymaps = { 'true, false, or a table of keys by action', is_keymaps },
  apply_style = { 'true or false', of_type('boolean') },
}

--- Fills in the defaults of the options that are not given. An unknown option or
--- a value of the wrong type is an error that names the option.
---@param options table?
---@return fimd.Config
function M.read(options)
  if options ~= nil and type(options) ~= 'table' then
    error('fimd: setup: expected a table of options, found ' .. vim.inspect(options), 0)
  end
  local config = M.defaults()
  for name, value in pairs(options or {}) do
    local kind = kinds[name]
    if not kind then
      local known = vim.tbl_keys(kinds)
      table.sort(known)
      local message = 'fimd: setup: unknown option `%s`; there are %s; see :help fimd-options'
      error(message:format(name, table.concat(known, ', ')), 0)
    end
    local expected, holds = unpack(kind)
    if not holds(value) then
      local message = 'fimd: setup: `%s`: expected %s, found %s; see :help fimd-options'
      error(message:format(name, expected, vim.inspect(value)), 0)
    end
    config[name] = value
  end
  config.socket = vim.fs.normalize(config.socket)
  return config
end

--- The settings that the server gets from this editor, over its settings file. It
--- checks them.
---@param config fimd.Config
---@return table<string, table>?
function M.own_settings(config)
  local own = {}
  for _, section in ipairs({ 'endpoint', 'completion' }) do
    if next(config[section]) then
      own[section] = config[section]
    end
  end
  return next(own) and own or nil
end

--- The keys to map, by action.
---@param config fimd.Config
---@return table<string, string>
function M.keys(config)
  if type(config.keymaps) == 'table' then
    return config.keymaps
  end
  local keys = {}
  if config.keymaps then
    for action, entry in pairs(M.actions) do
      keys[action] = entry[2]
    end
  end
  return keys
end

return M
