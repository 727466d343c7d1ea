// Reads a dataset's report.html in headless Chromium, as people do.
//
//   node report.mjs PLAYWRIGHT CHROMIUM DATASET [SHOTS]
//
// PLAYWRIGHT is the folder of the package playwright-core, CHROMIUM the browser,
// DATASET a dataset in jsonl. With SHOTS, a folder, pictures are kept there.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [playwright, executablePath, dataset, shots] = process.argv.slice(2);
const { chromium } = createRequire(import.meta.url)(resolve(playwright));
const address = pathToFileURL(resolve(dataset, 'report.html')).href;
const records = Object.fromEntries(['train', 'val'].map((part) => [
  part,
  readFileSync(join(dataset, `${part}.jsonl`), 'utf8').trimEnd().split('\n').map(JSON.parse),
]));

const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
const complaints = [];
page.on('pageerror', (error) => complaints.push(String(error)));
page.on('console', (message) => complaints.push(message.text()));
page.on('dialog', (dialog) => { complaints.push(dialog.message()); dialog.dismiss(); });
page.on('request', (request) => {
  if (request.url().split('#')[0] !== address) complaints.push(`asked for ${request.url()}`);
});

// Waits until the page shows that example.
const shows = (number) => page.locator(`#list a[href="#${number}"][aria-current]`).waitFor();
const listed = () => page.locator('#list li:visible').count();
const shoot = async (name) => { if (shots) await page.screenshot({ path: join(shots, `${name}.png`) }); };

await page.goto(address);
const all = await listed();
assert.ok(all > 20, `${all} examples`);
await shows(1);
assert.equal(await page.title(), 'Dataset for qwen2.5-coder');
await shoot('plots-light');

// Plots have a description, and controls have names.
for (const plot of await page.locator('svg').all()) {
  assert.equal(await plot.getAttribute('role'), 'img');
  assert.match(await plot.getAttribute('aria-label'), /\d examples, most/);
}
for (const [role, name] of [['combobox', 'Kind'], ['combobox', 'Part'], ['searchbox', 'Text'], ['button', 'Next']]) {
  await page.getByRole(role, { name }).waitFor();
}

// Keys move to the next and previous example, and stop at both ends.
await page.keyboard.press('k');
await shows(1);
await page.keyboard.press('j');
await page.keyboard.press('j');
await shows(3);
await page.waitForURL(/#3$/);
await page.keyboard.press('ArrowDown');
await shows(4);
await page.keyboard.press('ArrowUp');
await page.keyboard.press('k');
await shows(2);
await page.getByRole('button', { name: 'Next' }).click();
await shows(3);
await page.locator('#list a').nth(4).click();
await shows(5);

// The page shows the exact text of each example, whatever it holds.
for (let number = 1; number <= all; number++) {
  await page.evaluate((hash) => { location.hash = hash; }, `#${number}`);
  await shows(number);
  const [part, line] = (await page.locator('#shown .note').first().textContent()).split(' · ')[1].split(':');
  const record = records[part][Number(line) - 1];
  for (const name of ['context', 'prefix', 'middle', 'suffix']) {
    const shown = page.locator(`#shown .${name}`);
    const text = await shown.count() ? await shown.textContent() : '';
    assert.equal(text, record[name], `${name} of ${part}:${line}`);
  }
}

// Search, with the keyboard only.
await page.keyboard.press('/');
assert.equal(await page.evaluate(() => document.activeElement.id), 'query');
await page.keyboard.type('</SCRIPT>');
const found = await listed();
assert.ok(found > 0 && found < all, `${found} of ${all} found`);
assert.equal(await page.locator('#count').textContent(), `${found} of ${all} examples`);
await page.keyboard.press('Escape');
await page.keyboard.press('j');
assert.notEqual(await page.evaluate(() => document.activeElement.id), 'query');
await page.getByRole('searchbox', { name: 'Text' }).fill('no file says this');
assert.match(await page.locator('#shown').textContent(), /No example passes/);
await page.getByRole('searchbox', { name: 'Text' }).fill('');

// Filters by kind and split.
const every = await page.locator('#list li small').allTextContents();
const kind = every.find((place) => place.includes(' · val:')).split(' ')[0];
await page.getByRole('combobox', { name: 'Kind' }).selectOption(kind);
await page.getByRole('combobox', { name: 'Part' }).selectOption('val');
const places = await page.locator('#list li:visible small').allTextContents();
assert.ok(places.length > 0 && places.every((place) => place.startsWith(`${kind} · val:`)), places);

// A link opens its example in a new page, whatever the filters are.
await page.goto(`${address}#7`);
await page.reload();
await shows(7);
await page.getByRole('searchbox', { name: 'Text' }).fill('no file says this');
await page.evaluate(() => { location.hash = '#8'; });
await shows(8);
assert.equal(await listed(), all);
await shoot('browser-light');

const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
const light = await ground();
await page.emulateMedia({ colorScheme: 'dark' });
assert.notEqual(await ground(), light);
await shoot('browser-dark');
await page.evaluate(() => scrollTo(0, 0));
await shoot('plots-dark');
await page.evaluate(() => document.getElementById('tables').scrollIntoView());
await shoot('tables-dark');
await page.setViewportSize({ width: 420, height: 900 });
const wide = await page.evaluate(() => document.documentElement.scrollWidth);
assert.ok(wide <= 420, `on a small screen the page is ${wide} wide`);
await page.evaluate(() => document.getElementById('browser').scrollIntoView());
await shoot('small-dark');

assert.deepEqual(complaints, []);
await browser.close();
