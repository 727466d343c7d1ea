const data = embedded('cases');
/** For each case and condition, the values of the figures that differ from run to run. */
const times = embedded('times');
const control = (id) => document.getElementById(id);
const [first, second, measure, winner, sort] = ['first', 'second', 'measure', 'winner', 'sort'].map(control);
const [kind, directory, needed] = ['kind', 'directory', 'needed'].map(control);

const figureAt = new Map(data.figures.map((figure, at) => [figure.name, at]));
const numberOf = new Map(data.cases.map((it, at) => [it, at]));
const directories = new Set(data.directories);

/** The texts of a case in which a search looks: all but the contexts. */
const searched = new Map();
function searchText(it) {
  let text = searched.get(it);
  if (text === undefined) {
    const answers = it.answers.flatMap((answer) => (answer ? [answer.shown, answer.raw ?? ''] : []));
    text = [it.path, it.needed ?? '', it.before, it.middle, it.after, ...answers].join('\n').toLowerCase();
    searched.set(it, text);
  }
  return text;
}

/** The value of the measure that is compared, for one of the conditions. */
function value(it, select) {
  return it.answers[Number(select.value)]?.values[figureAt.get(measure.value)] ?? null;
}

/** By how much the second condition is better than the first; nothing without both values. */
function gain(it) {
  const [a, b] = [value(it, first), value(it, second)];
  if (a === null || b === null) return null;
  return wants(measure.value) * (b - a);
}

/** 1 if high values of the figure are better, -1 if low ones are. */
function wants(name) {
  return data.figures[figureAt.get(name)].wanted === 'low' ? -1 : 1;
}

function won(it) {
  const by = gain(it);
  if (by === null) return '';
  if (Math.abs(by) < 1e-9) return 'same';
  return by > 0 ? 'second' : 'first';
}

function shownValue(figure, value) {
  if (value === null || value === undefined) return '–';
  if (figure.unit === 'share') return `${(value * 100).toFixed(Number.isInteger(value * 100) ? 0 : 1)} %`;
  return figure.unit === 'bits' ? value.toFixed(3) : String(Math.round(value * 10) / 10);
}

function describe(it) {
  const figure = data.figures[figureAt.get(measure.value)];
  const yes = ['exact', 'first_line'].includes(figure.name);
  const text = (select) => {
    const of = value(it, select);
    if (of === null || !yes) return shownValue(figure, of);
    return of ? '✓' : '✗';
  };
  const line = element('small');
  line.append(element('b', `${text(first)} → ${text(second)}`, `won-${won(it)}`));
  line.append(` · ${it.kind}`, it.needed ? ` · ${it.needed}` : '');
  return [it.path, line];
}

function passes(it, query) {
  const held = it.answers[Number(second.value)]?.held ?? null;
  return (!winner.value || won(it) === winner.value)
    && (!kind.value || it.kind === kind.value)
    && (!directory.value
      || it.directory === directory.value
      || (directory.value === 'others' && !directories.has(it.directory)))
    && (!needed.value || { held: held === true, missed: held === false, none: held === null }[needed.value])
    && (!query || searchText(it).includes(query));
}

function compare() {
  // Cases without a value come last.
  const by = (key) => (a, b) => (key(b) ?? -Infinity) - (key(a) ?? -Infinity) || 0;
  const negative = (key) => (it) => { const of = key(it); return of === null ? null : -of; };
  const quality = (it) => { const of = value(it, second); return of === null ? null : wants(measure.value) * of; };
  return { second: by(gain), first: by(negative(gain)), low: by(negative(quality)) }[sort.value];
}

/** The first characters of `shown` that are those of `middle`. */
function accepted(shown, middle) {
  const theirs = [...middle];
  const ours = [...shown];
  let at = 0;
  while (at < ours.length && at < theirs.length && ours[at] === theirs[at]) at += 1;
  return [ours.slice(0, at).join(''), ours.slice(at).join('')];
}

function answerOf(it, at) {
  const answer = it.answers[at];
  const block = element('section', undefined, `answer series-${at % 6}`);
  const head = element('h4', data.conditions[at]);
  block.append(head);
  if (!answer) {
    block.append(element('p', 'No answer.', 'note'));
    return block;
  }
  if (answer.error) {
    block.append(element('p', answer.error, 'error'));
    return block;
  }
  const of = (name) => answer.values[figureAt.get(name)];
  const badges = [
    of('exact') ? 'exact' : '',
    !of('exact') && of('first_line') ? 'first line exact' : '',
    of('empty') ? 'empty' : '',
    of('cut') ? 'cut at the token limit' : '',
    of('parses') === 0 ? 'does not parse' : '',
  ].filter(Boolean);
  for (const badge of badges) head.append(element('span', badge, `badge ${badge === 'exact' ? 'good' : ''}`));
  if (it.needed && answer.held !== null) {
    head.append(element('small', `needed name ${answer.held ? '' : 'not '}in the context`));
  }
  const code = element('pre');
  const [same, other] = accepted(answer.shown, it.middle);
  code.append(element('span', same, 'same'), element('span', other, 'other'));
  block.append(code);
  if (answer.raw !== null) {
    const details = element('details');
    details.append(element('summary', 'What the model wrote'), element('pre', answer.raw));
    block.append(details);
  }
  if (answer.context === null) {
    block.append(element('p', 'The context is left out of this page.', 'note'));
  } else if (answer.context.length) {
    block.append(foldedContext(answer.context.map((line) => data.lines[line]).join('\n')));
  } else {
    block.append(element('p', 'No context.', 'note'));
  }
  return block;
}

function allFigures(it) {
  const stable = it.answers.find(Boolean)?.values.length ?? 0;
  const details = element('details');
  details.append(element('summary', 'All figures'));
  const table = element('table');
  const heads = element('tr');
  heads.append(element('td'), ...data.conditions.map((name) => element('th', name)));
  const top = element('thead');
  top.append(heads);
  const body = element('tbody');
  data.figures.forEach((figure, at) => {
    const values = it.answers.map((answer, condition) => (at < stable
      ? answer?.values[at]
      : times[numberOf.get(it)][condition][at - stable]));
    if (values.every((of) => of === null || of === undefined)) return;
    const row = element('tr');
    row.append(element('th', figure.label), ...values.map((of) => element('td', shownValue(figure, of))));
    body.append(row);
  });
  table.append(top, body);
  details.append(table);
  return details;
}

function nameWinners() {
  const chosen = winner.value;
  const names = [first, second].map((select) => data.conditions[Number(select.value)]);
  const options = [['', 'all'], ['second', names[1]], ['first', names[0]], ['same', 'neither']];
  winner.replaceChildren(...options.map(([of, name]) => {
    const option = element('option', name);
    option.value = of;
    return option;
  }));
  winner.value = chosen;
}

// With a context for each condition, the answers would be far from one another.
contextOpen = false;
nameWinners();
for (const select of [first, second]) select.addEventListener('input', nameWinners);

browse({
  items: data.cases,
  noun: 'cases',
  controls: [first, second, measure, winner, sort, kind, directory, needed],
  passes,
  compare,
  describe,
  render(it, number, shown) {
    shown.append(element('h3', `${it.path}:${it.cursor}`));
    shown.append(element('p', [
      `#${number}`,
      it.kind,
      it.directory,
      it.needed && `needs ${it.needed}`,
    ].filter(Boolean).join(' · '), 'note'));
    const legend = element('p', undefined, 'legend');
    for (const [name, text] of [['prefix', 'before'], ['middle', 'true text'], ['suffix', 'after'],
      ['same', 'answer, as the true text'], ['other', 'answer, from the first difference on']]) {
      legend.append(element('span', text, name));
    }
    shown.append(legend, hole(it.before, it.middle, it.after));
    data.conditions.forEach((_, at) => shown.append(answerOf(it, at)));
    shown.append(allFigures(it));
  },
  reset() {
    for (const select of [winner, kind, directory, needed]) select.value = '';
  },
});
