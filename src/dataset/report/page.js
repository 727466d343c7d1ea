'use strict';

// The page holds the examples as JSON. The script inserts their content only as
// text, never as markup.
const examples = JSON.parse(document.getElementById('examples').textContent);
const list = document.getElementById('list');
const shown = document.getElementById('shown');
const kind = document.getElementById('kind');
const part = document.getElementById('part');
const query = document.getElementById('query');
const count = document.getElementById('count');

/** The numbers, from 1, of the examples that pass the filters. */
let visible = [];
/** The number of the example on display; 0 if there is none. */
let current = 0;
let contextOpen = true;

function element(name, text, className) {
  const node = document.createElement(name);
  if (text !== undefined) node.textContent = text;
  if (className !== undefined) node.className = className;
  return node;
}

const links = examples.map((example, at) => {
  const link = element('a', example.file);
  link.href = `#${at + 1}`;
  const about = [example.kind, example.place, example.name].filter(Boolean);
  link.append(element('small', about.join(' · ')));
  const item = element('li');
  item.append(link);
  list.append(item);
  return link;
});

const texts = examples.map((example) =>
  [example.file, example.name, example.context, example.prefix, example.middle, example.suffix]
    .join('\n')
    .toLowerCase(),
);

function passes(at) {
  const example = examples[at];
  return (!kind.value || example.kind === kind.value)
    && (!part.value || example.place.startsWith(part.value))
    && texts[at].includes(query.value.toLowerCase());
}

function filter() {
  visible = [];
  links.forEach((link, at) => {
    const passed = passes(at);
    link.parentElement.hidden = !passed;
    if (passed) visible.push(at + 1);
  });
  count.textContent = `${visible.length} of ${examples.length} examples`;
  if (!visible.includes(current)) show(visible[0] ?? 0);
}

function step(by) {
  const at = visible.indexOf(current) + by;
  const next = visible[Math.min(Math.max(at, 0), visible.length - 1)];
  if (next === undefined) return;
  show(next);
  // A replaced address adds no entry to the browser's history.
  location.replace(`#${next}`);
  links[next - 1].focus({ preventScroll: true });
}

function show(number) {
  if (current) links[current - 1].removeAttribute('aria-current');
  current = number;
  shown.replaceChildren();
  const example = examples[number - 1];
  if (!example) {
    shown.append(element('p', 'No example passes the filters.', 'note'));
    return;
  }
  const link = links[number - 1];
  link.setAttribute('aria-current', 'true');
  // Scroll only the list, not the page.
  const { top, bottom } = link.getBoundingClientRect();
  const frame = list.getBoundingClientRect();
  if (top < frame.top) list.scrollTop -= frame.top - top;
  else if (bottom > frame.bottom) list.scrollTop += bottom - frame.bottom;

  shown.append(element('h3', `${example.file}:${example.start}..${example.end}`));
  shown.append(element('p', [
    `#${number}`,
    example.place,
    example.kind,
    example.name,
    `lines: ${example.lines}`,
    `complexity: ${example.complexity}`,
    example.budget && `${[...example.context].length} of ${example.budget} characters of context`,
  ].filter(Boolean).join(' · '), 'note'));

  if (example.context) {
    const details = element('details');
    details.open = contextOpen;
    details.addEventListener('toggle', () => { contextOpen = details.open; });
    details.append(element('summary', 'Context'));
    const context = element('pre', example.context, 'context');
    // The context scrolls on its own, so the keyboard must be able to focus it.
    context.tabIndex = 0;
    details.append(context);
    shown.append(details);
  }
  const code = element('pre');
  for (const name of ['prefix', 'middle', 'suffix']) {
    code.append(element(name === 'middle' ? 'mark' : 'span', example[name], name));
  }
  shown.append(code);
  // Scroll to the top, unless the middle would then be out of sight.
  shown.scrollTop = 0;
  const middle = code.querySelector('.middle').getBoundingClientRect();
  const room = shown.getBoundingClientRect();
  const below = Math.min(middle.bottom, middle.top + room.height / 2) - room.bottom;
  if (below > 0) shown.scrollTop = below + room.height / 4;
}

/**
 * Shows the example that the address names, and resets the filters if they hide
 * it. Returns whether the address names an example.
 */
function follow() {
  const named = /^#(\d+)$/.exec(location.hash);
  const number = named ? Number(named[1]) : 0;
  if (number < 1 || number > examples.length) return false;
  if (!visible.includes(number)) {
    kind.value = part.value = query.value = '';
    filter();
  }
  if (number !== current) show(number);
  return true;
}

addEventListener('hashchange', follow);
for (const control of [kind, part, query]) control.addEventListener('input', filter);
document.getElementById('next').addEventListener('click', () => step(1));
document.getElementById('previous').addEventListener('click', () => step(-1));

addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest('input, select')) {
    if (event.key === 'Escape') event.target.blur();
    return;
  }
  // The arrow keys step only inside the list. Elsewhere they scroll.
  const arrows = list.contains(event.target) ? { ArrowDown: 1, ArrowUp: -1 } : {};
  const by = { j: 1, k: -1, ...arrows }[event.key];
  if (by) {
    event.preventDefault();
    step(by);
  } else if (event.key === '/') {
    event.preventDefault();
    query.focus();
    query.select();
  }
});

filter();
if (follow()) document.getElementById('browser').scrollIntoView();
