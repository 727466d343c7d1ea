--- Where completions are off: by file type, by project, by buffer, or everywhere for
--- some minutes.

local M = {}

--- How long `:Fimd snooze` lasts, in minutes.
M.SNOOZE_MINUTES = 5

---@type table<string, true> file types
local filetypes = {}
---@type table<string, boolean> folders of projects; false for one that is on again
local projects = {}
---@type string[] the option `disabled_projects`
local disabled_projects = {}
---@type { timer: uv.uv_timer_t, until_ms: integer }?
local snooze

---@param path string
local function folder(path)
  return (vim.fs.normalize(vim.fn.fnamemodify(vim.fs.normalize(path), ':p')):gsub('(.)/$', '%1'))
end

--- Starts over with the projects of the option `disabled_projects`.
---@param listed string[]
function M.setup(listed)
  filetypes, projects = {}, {}
  disabled_projects = vim.tbl_map(folder, listed)
  M.wake()
end

--- Whether a project is off: by command, else by the options.
---@param root string
local function is_project_off(root)
  if projects[root] ~= nil then
    return projects[root]
  end
  return vim.iter(disabled_projects):any(function(listed)
    return root == listed or vim.startswith(root, listed .. '/')
  end)
end

--- Why a buffer is switched off, if it is.
---@param buf integer
---@param root_of fun(buf: integer): string the root of a buffer's project; looks at the disk
---@return string?
function M.why_off(buf, root_of)
  local of_buffer = vim.b[buf].fimd_enabled
  if of_buffer == true or of_buffer == 1 then
    return
  end
  if of_buffer ~= nil then
    return '`b:fimd_enabled` says so: `:Fimd enable buffer` turns it on'
  end
  local filetype = vim.bo[buf].filetype
  if filetypes[filetype] then
    return ('the file type `%s` is off: `:Fimd enable %s` turns it on'):format(filetype, filetype)
  end
  if not next(projects) and #disabled_projects == 0 then
    return
  end
  local root = root_of(buf)
  if is_project_off(root) then
    return ('the project %s is off: `:Fimd enable project` turns it on'):format(root)
  end
end

--- Switches a file type, the project with this root, or a buffer.
---@param what 'project'|'buffer'|string
---@param on boolean
---@param buf integer
---@param root string
function M.set(what, on, buf, root)
  if what == 'buffer' then
    vim.b[buf].fimd_enabled = on
  elseif what == 'project' then
    projects[root] = not on
  else
    filetypes[what] = not on or nil
  end
end

--- Keeps completions from coming by themselves for some minutes, and calls `ended`
--- when that is over.
---@param minutes number
---@param ended fun()
function M.snooze(minutes, ended)
  M.wake()
  local ms = math.floor(minutes * 60000)
  local timer = vim.defer_fn(function()
    snooze = nil
    ended()
  end, ms)
  snooze = { timer = timer, until_ms = vim.uv.now() + ms }
end

--- Ends the snooze.
---@return boolean whether there was one
function M.wake()
  local was = snooze ~= nil
  if snooze then
    snooze.timer:stop()
    snooze.timer:close()
    snooze = nil
  end
  return was
end

--- How many minutes are left of the snooze; none if completions come.
---@return integer?
function M.snoozed()
  if snooze then
    return math.max(1, math.ceil((snooze.until_ms - vim.uv.now()) / 60000))
  end
end

return M
