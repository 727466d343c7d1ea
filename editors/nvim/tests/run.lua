-- The plugin's tests: nvim --headless -u NONE -l editors/nvim/tests/run.lua [PART]
--
-- PART selects the tests whose name contains it. The tests with the real program are
-- real.lua and walk.lua.

local here = vim.fs.dirname(vim.fn.fnamemodify(debug.getinfo(1, 'S').source:sub(2), ':p'))
package.path = here .. '/?.lua;' .. package.path
vim.opt.runtimepath:prepend(vim.fs.dirname(here))

local harness = require('harness')
for _, file in ipairs(vim.fn.sort(vim.fn.glob(here .. '/spec/*.lua', false, true))) do
  dofile(file)
end
local failed = harness.run(arg[1])
os.exit(failed == 0 and 0 or 1)
