'use strict';

// Lists items, filters and sorts them, and shows one at a time. The data of a page are
// JSON in elements of their own; their content is inserted only as text, never as markup.

/** The data in the element of this id. */
function embedded(id) {
  return JSON.parse(document.getElementById(id).textContent);
}

function element(name, text, className) {
  const node = document.createElement(name);
  if (text !== undefined) node.textContent = text;
  if (className !== undefined) node.className = className;
  return node;
}

/**
 * Starts the browser of `items`.
 *
 * - `noun`: what the items are
 * - `controls`: the elements that filter and sort
 * - `passes(item, query)`: whether the filters let the item pass
 * - `compare()`: the order of two items as `sort` takes it; nothing for their own order
 * - `describe(item)`: the nodes of the item's entry in the list
 * - `render(item, number, shown)`: shows the item in the element `shown`
 * - `reset()`: sets the filters so that every item passes
 */
function browse({ items, noun, controls, passes, compare, describe, render, reset }) {
  const list = document.getElementById('list');
  const shown = document.getElementById('shown');
  const query = document.getElementById('query');
  const count = document.getElementById('count');

  /** The numbers, from 1, of the items that pass the filters, as they are listed. */
  let visible = [];
  /** The number of the item on display; 0 if there is none. */
  let current = 0;

  const links = items.map((item, at) => {
    const link = element('a');
    link.href = `#${at + 1}`;
    element('li').append(link);
    return link;
  });

  function filter() {
    const wanted = query.value.toLowerCase();
    visible = items.map((_, at) => at + 1).filter((number) => passes(items[number - 1], wanted));
    const order = compare?.();
    // The sort is stable, so equal items keep their own order.
    if (order) visible.sort((a, b) => order(items[a - 1], items[b - 1]));
    for (const number of visible) links[number - 1].replaceChildren(...describe(items[number - 1]));
    list.replaceChildren(...visible.map((number) => links[number - 1].parentElement));
    count.textContent = `${visible.length} of ${items.length} ${noun}`;
    show(visible.includes(current) ? current : visible[0] ?? 0);
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
    if (!number) {
      shown.append(element('p', `No ${noun.replace(/s$/, '')} passes the filters.`, 'note'));
      return;
    }
    const link = links[number - 1];
    link.setAttribute('aria-current', 'true');
    // Scroll only the list, not the page.
    const { top, bottom } = link.getBoundingClientRect();
    const frame = list.getBoundingClientRect();
    if (top < frame.top) list.scrollTop -= frame.top - top;
    else if (bottom > frame.bottom) list.scrollTop += bottom - frame.bottom;
    // An item is shown from its top.
    shown.scrollTop = 0;
    render(items[number - 1], number, shown);
  }

  /**
   * Shows the item that the address names, and resets the filters if they hide it.
   * Returns whether the address names an item.
   */
  function follow() {
    const named = /^#(\d+)$/.exec(location.hash);
    const number = named ? Number(named[1]) : 0;
    if (number < 1 || number > items.length) return false;
    if (!visible.includes(number)) {
      query.value = '';
      reset();
      filter();
    }
    if (number !== current) show(number);
    return true;
  }

  addEventListener('hashchange', follow);
  for (const control of [query, ...controls]) control.addEventListener('input', filter);
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
}

/** The prefix, the middle and the suffix of a hole, one behind the other. */
function hole(prefix, middle, suffix) {
  const code = element('pre');
  code.append(
    element('span', prefix, 'prefix'),
    element('mark', middle, 'middle'),
    element('span', suffix, 'suffix'),
  );
  return code;
}

let contextOpen = true;

/** A context that can be folded; all contexts are folded alike. */
function foldedContext(text, title = 'Context') {
  const details = element('details');
  details.open = contextOpen;
  details.addEventListener('toggle', () => { contextOpen = details.open; });
  details.append(element('summary', title));
  const context = element('pre', text, 'context');
  // The context scrolls on its own, so the keyboard must be able to focus it.
  context.tabIndex = 0;
  details.append(context);
  return details;
}

/** Scrolls `shown` until the middle is in sight. */
function bringIntoSight(shown, code) {
  const middle = code.querySelector('.middle').getBoundingClientRect();
  const room = shown.getBoundingClientRect();
  const below = Math.min(middle.bottom, middle.top + room.height / 2) - room.bottom;
  if (below > 0) shown.scrollTop = below + room.height / 4;
}
