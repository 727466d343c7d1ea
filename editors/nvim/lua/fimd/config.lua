--- What `setup` takes, with its defaults, checked.

local M = {}

---@class fimd.Config
---@field cmd string[] the program and its first arguments
---@field connection 'daemon'|'process' share a daemon with other editors, or have a process of one's own
---@field socket string the daemon's socket
---@field filetypes string[] where completion is wanted
---@field tag_filetypes string[] where FIMpad tags are meant
---@field root_markers string[] what the root of a project has
---@field include_paths string[] more folders to take context from
---@field bm25 boolean whether context is also searched for by words
---@field max_buffer_bytes integer larger buffers are left alone
---@field automatic boolean whether completion comes as one types
---@field debounce_ms integer how long typing has to pause before the server is asked
---@field native boolean whether Neovim's own inline completion is used
---@field keymaps boolean|table<string, string> keys by action
---@field apply_style boolean whether colours of config tags become highlight groups

--- Where the daemon listens: the same place for every editor of this user.
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

--- The keys that `keymaps = true` sets: mode, default, what it does.
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

local function is_keymaps(value)
  if type(value) == 'boolean' then
    return true
  end
  return type(value) == 'table'
    and vim.iter(pairs(value)):all(function(action, keys)
      return M.actions[action] ~= nil and type(keys) == 'string'
    end)
end

--- What each option has to be, in words and as a test.
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

--- The options with what is not given at its default. An unknown option or a
--- value that makes no sense is an error that names it.
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

--- The keys to set, by action.
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
