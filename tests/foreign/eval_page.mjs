// Reads the page of `fimd eval completion` in headless Chromium, as people do.
//
//   node eval_page.mjs PLAYWRIGHT CHROMIUM PAGE [SHOTS]
//
// PLAYWRIGHT is the folder of the package playwright-core, CHROMIUM the browser,
// PAGE the page that tests/it/eval_page.rs makes: 1,000 holes, four conditions.
// With SHOTS, a folder, pictures are kept there.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [playwright, executablePath, file, shots] = process.argv.slice(2);
const { chromium } = createRequire(import.meta.url)(resolve(playwright));
const address = pathToFileURL(resolve(file)).href;

const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
const page = await browser.newPage({ viewport: { width: 1400, height: 1000 } });
const complaints = [];
page.on('pageerror', (error) => complaints.push(String(error)));
page.on('console', (message) => complaints.push(message.text()));
page.on('dialog', (dialog) => { complaints.push(dialog.message()); dialog.dismiss(); });
page.on('request', (request) => {
  if (request.url().split('#')[0] !== address) complaints.push(`asked for ${request.url()}`);
});

const listed = () => page.locator('#list li').count();
const marks = () => page.locator('#list li b').allTextContents();
const choose = (name, option) => page.getByRole('combobox', { name, exact: true }).selectOption(option);
const shoot = async (name) => { if (shots) await page.screenshot({ path: join(shots, `eval-${name}.png`) }); };
const shootPart = async (id, name) => {
  if (shots) await page.locator(`#${id}`).screenshot({ path: join(shots, `eval-${id}-${name}.png`) });
};

await page.goto(address);
assert.equal(await page.title(), 'Completions of shop');
assert.equal(await listed(), 1000);
await shoot('light');
await shootPart('plots', 'light');
await shootPart('tables', 'light');

// Plots say in words what they show.
const plots = page.locator('svg[role=img]');
assert.ok(await plots.count() >= 10);
for (const plot of await plots.all()) {
  assert.match(await plot.getAttribute('aria-label'), /without|with /);
}

// A case has its code, the truth and every answer, set apart.
const shown = page.locator('#shown');
assert.match(await shown.locator('.prefix').nth(1).textContent(), /<\/script><!-- a doc comment/);
assert.match(await shown.locator('mark.middle').textContent(), /^\$repository->/);
assert.equal(await shown.locator('.answer').count(), 4);
const truth = await shown.locator('mark.middle').textContent();
for (const answer of await shown.locator('.answer').all()) {
  const [same, other] = await answer.locator('pre').first().locator('span').allTextContents();
  assert.ok(truth.startsWith(same), same);
  assert.equal(same === truth && other === '', await answer.locator('.badge.good').count() === 1);
}
const context = shown.locator('.answer').nth(1).locator('pre.context');
assert.match(await context.textContent(), /^ {4}public function method0Of1\(string \$argument, int \$count\): \?Items;\n/);
assert.equal((await context.textContent()).split('\n').length, 61);

// Who won: the list and the filter agree.
await choose('Won by', 'with');
const wins = await marks();
assert.ok(wins.length > 100 && wins.every((mark) => mark === '✗ → ✓'), wins[0]);
await choose('Won by', 'without');
const losses = await marks();
assert.ok(losses.length > 50 && losses.every((mark) => mark === '✓ → ✗'), losses[0]);
await choose('Won by', 'neither');
const ties = await marks();
// One case has no answer of one condition, so nobody wins there.
assert.equal(wins.length + losses.length + ties.length, 999);
await choose('Won by', 'all');

// Sorted by who won, measured by something else, with other conditions.
await choose('Sort', 'losses first');
assert.equal((await marks())[0], '✓ → ✗');
await choose('Sort', 'gains first');
assert.equal((await marks())[0], '✗ → ✓');
await choose('Compare', 'with');
await choose('with', 'tuned');
await choose('by', 'edit similarity');
const gains = (await marks()).slice(0, 999).map((mark) => {
  const [from, to] = mark.split(' → ').map(parseFloat);
  return to - from;
});
assert.ok(gains.every((gain, at) => at === 0 || gain <= gains[at - 1] + 0.11), 'sorted by gain');
assert.ok(gains[0] > 20 && gains.at(-1) < -20);
assert.deepEqual(
  await page.getByRole('combobox', { name: 'Won by' }).locator('option').allTextContents(),
  ['all', 'tuned', 'with', 'neither'],
);

// Filters by kind, directory and needed name.
await choose('Kind', 'call');
const calls = await page.locator('#list li small').allTextContents();
assert.ok(calls.length === 250 && calls.every((text) => text.includes(' · call')), calls[0]);
await choose('Needed name', 'none needed');
const none = await page.locator('#list li small').allTextContents();
assert.ok(none.length > 50 && none.every((text) => text.endsWith(' · call')), none[0]);
await choose('Directory', { index: 1 });
assert.ok(await listed() < none.length);

// Keys step through what is listed; a link to a case that the filters hide resets them.
await page.evaluate(() => { location.hash = '#18'; });
await page.locator('#list a[href="#18"][aria-current]').waitFor();
assert.match(await shown.locator('.error').textContent(), /closed the connection/);
assert.equal(await listed(), 1000);
await choose('Sort', 'as drawn');
await page.evaluate(() => document.activeElement.blur());
await page.keyboard.press('j');
await page.locator('#list a[href="#19"][aria-current]').waitFor();
await page.keyboard.press('/');
await page.keyboard.type('X123\'');
assert.equal(await page.locator('#count').textContent(), '1 of 1000 cases');
await page.getByRole('searchbox', { name: 'Text' }).fill('no file says this');
assert.match(await shown.textContent(), /No case passes/);
await page.getByRole('searchbox', { name: 'Text' }).fill('');

// It stays quick with all cases.
const slow = await page.evaluate(async () => {
  const began = performance.now();
  for (const order of ['second', 'first', 'low', '']) {
    const sort = document.getElementById('sort');
    sort.value = order;
    sort.dispatchEvent(new Event('input'));
  }
  document.body.getBoundingClientRect();
  return (performance.now() - began) / 4;
});
assert.ok(slow < 500, `${slow} ms for an order`);

// All figures of a case, those that differ from run to run included.
await shown.getByText('All figures').click();
const figures = await shown.locator('table th').allTextContents();
assert.ok(figures.includes('exact match') && figures.includes('whole answer, ms'), figures);
await shoot('case-light');

await page.emulateMedia({ colorScheme: 'dark' });
await shoot('case-dark');
await page.evaluate(() => scrollTo(0, 0));
await shoot('dark');
await shootPart('plots', 'dark');
await shootPart('tables', 'dark');
await page.setViewportSize({ width: 420, height: 900 });
const wide = await page.evaluate(() => document.documentElement.scrollWidth);
assert.ok(wide <= 420, `on a small screen the page is ${wide} wide`);
await page.evaluate(() => document.getElementById('browser').scrollIntoView());
await shoot('small-dark');

assert.deepEqual(complaints, []);
await browser.close();
