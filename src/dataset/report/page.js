const examples = embedded('examples');
const kind = document.getElementById('kind');
const part = document.getElementById('part');

const texts = new Map(examples.map((example) => [
  example,
  [example.file, example.name, example.context, example.prefix, example.middle, example.suffix]
    .join('\n')
    .toLowerCase(),
]));

browse({
  items: examples,
  noun: 'examples',
  controls: [kind, part],
  passes: (example, query) => (!kind.value || example.kind === kind.value)
    && (!part.value || example.place.startsWith(part.value))
    && texts.get(example).includes(query),
  describe: (example) => [
    example.file,
    element('small', [example.kind, example.place, example.name].filter(Boolean).join(' · ')),
  ],
  render(example, number, shown) {
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
    if (example.context) shown.append(foldedContext(example.context));
    const code = hole(example.prefix, example.middle, example.suffix);
    shown.append(code);
    bringIntoSight(shown, code);
  },
  reset() { kind.value = part.value = ''; },
});
