--- Datasets that the server generates in the background.

local server = require('fimd.server')

local M = {}

---@class fimd.Job
---@field client_id integer
---@field buf integer the buffer in which the user started it

--- The running jobs, by id.
---@type table<string, fimd.Job>
local jobs = {}

local function say(message, level)
  vim.notify('fimd: ' .. message, level or vim.log.levels.INFO)
end

local function typed(value)
  if value == 'true' or value == 'false' then
    return value == 'true'
  end
  return tonumber(value) or value
end

--- Turns `OUTPUT NAME=VALUE…` into parameters of `generateDataset`, or says what
--- is wrong with it.
---@param args string[]
---@return table?
---@return string? why
function M.params(args)
  local params = {}
  for index, arg in ipairs(args) do
    local name, value = arg:match('^([%w_-]+)=(.*)$')
    if name then
      params[name:gsub('-', '_')] = typed(value)
    elseif index == 1 then
      params.output = vim.fn.fnamemodify(vim.fs.normalize(arg), ':p'):gsub('(.)/$', '%1')
    else
      return nil, ('expected NAME=VALUE, found `%s`'):format(arg)
    end
  end
  if not params.output then
    return nil, 'expected the folder to write to: `:Fimd dataset OUTPUT [NAME=VALUE…]`'
  end
  return params
end

local function finish(id, job)
  jobs[id] = nil
  local client = vim.lsp.get_client_by_id(job.client_id)
  if not client then
    return
  end
  server.request(job.buf, client, 'job/status', { job_id = id }, function(err, status)
    if err then
      return say(err.message, vim.log.levels.ERROR)
    end
    local outcome = ('the dataset: %s, %d examples'):format(status.state, status.examples or 0)
    if status.error then
      say(outcome .. ': ' .. status.error, vim.log.levels.ERROR)
    else
      say(outcome)
    end
  end)
end

local function on_progress(event)
  local params = event.data.params
  local job = jobs[params.token]
  if not job or job.client_id ~= event.data.client_id then
    return
  end
  local value = params.value
  if value.kind == 'end' then
    finish(params.token, job)
  else
    local said = ('fimd: %s %d %%: %s'):format(value.title, value.percentage or 0, value.message or '')
    vim.api.nvim_echo({ { said } }, false, {})
  end
end

--- Starts to generate a dataset from the project of the current buffer.
---@param args string[] the folder to write to, then options
function M.start(args)
  local params, why = M.params(args)
  if not params then
    return say(why, vim.log.levels.ERROR)
  end
  local buf = vim.api.nvim_get_current_buf()
  server.when_ready(buf, function(client, reason)
    if not client then
      return say(reason, vim.log.levels.ERROR)
    end
    server.request(buf, client, 'generateDataset', params, function(err, answer)
      if err then
        return say(err.message, vim.log.levels.ERROR)
      end
      jobs[answer.job_id] = { client_id = client.id, buf = buf }
    end)
  end)
end

--- Cancels the datasets that this Neovim has started.
function M.cancel()
  if not next(jobs) then
    return say('no dataset is being generated')
  end
  for id, job in pairs(jobs) do
    local client = vim.lsp.get_client_by_id(job.client_id)
    if client then
      server.request(job.buf, client, 'job/cancel', { job_id = id }, function(err)
        if err then
          say(err.message, vim.log.levels.ERROR)
        end
      end)
    end
  end
end

--- The ids of the running jobs.
---@return string[]
function M.running()
  return vim.tbl_keys(jobs)
end

--- Forgets the jobs of a server that has ended.
---@param client_id integer
---@param how string
function M.server_ended(client_id, how)
  for id, job in pairs(jobs) do
    if job.client_id == client_id then
      jobs[id] = nil
      say('nothing more is heard of the dataset: the server has ended: ' .. how, vim.log.levels.WARN)
    end
  end
end

--- Follows the progress of jobs.
function M.setup()
  vim.api.nvim_create_autocmd('LspProgress', {
    group = vim.api.nvim_create_augroup('fimd.dataset', {}),
    callback = on_progress,
  })
end

return M
