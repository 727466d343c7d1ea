//! `report.html`: what is in a dataset, as plots, and some hundred of its
//! examples to look at. One file that asks for nothing else, made of the
//! dataset alone, so equal datasets have equal reports.

use std::collections::BTreeMap;
use std::io;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde::Serialize;
use serde_json::Value;

use crate::context::budget::CharBudget;
use crate::dataset::batch::Sizes;
use crate::dataset::record::{Example, SpanKind};
use crate::dataset::report::Report;
use crate::dataset::report::charts::{Bar, Histogram, bars, number, percent};
use crate::dataset::report::sample::{Place, Sample, place_name};
use crate::dataset::sink::Sink;
use crate::dataset::split::{Split, SplitAssignment};
use crate::dataset::write::read::Dataset;

const CSS: &str = include_str!("page.css");
const JS: &str = include_str!("page.js");
/// What the page may load and run: only what stands in it.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// How many examples can be looked at, as many as possible of each kind.
const SHOWN: usize = 300;
/// Bars of a histogram.
const BINS: usize = 32;
/// Rows of a table; of longer ones the others are summed up.
const MAX_ROWS: usize = 40;
/// What the page has a place of its own for; other metadata comes as a table.
const PLACED: [&str; 10] = [
    "counts",
    "coverage",
    "files_skipped",
    "generator",
    "partial",
    "parts",
    "rejections",
    "spans",
    "tokens",
    "version",
];

/// An example as the page's script has it.
#[derive(Debug, Serialize)]
struct Shown {
    place: String,
    file: String,
    start: usize,
    end: usize,
    kind: &'static str,
    name: String,
    lines: usize,
    complexity: f64,
    budget: usize,
    context: String,
    prefix: String,
    middle: String,
    suffix: String,
}

impl Shown {
    fn new(place: Place, example: Example) -> Self {
        Self {
            place: place_name(place),
            file: match example.repo {
                Some(repo) => format!("{repo}:{}", example.filepath),
                None => example.filepath,
            },
            start: example.start_byte,
            end: example.end_byte,
            kind: example.span_kind.name(),
            name: example.span_name,
            lines: example.middle_lines,
            complexity: example.complexity_score,
            budget: example.context_max_chars,
            context: example.context,
            prefix: example.prefix,
            middle: example.middle,
            suffix: example.suffix,
        }
    }
}

/// What the plots show of an example.
#[derive(Clone, Copy, Debug)]
pub struct Plotted {
    /// How its hole was chosen.
    pub kind: SpanKind,
    /// See [`Example::complexity_score`].
    pub complexity: f64,
    /// How long it is.
    pub sizes: Sizes,
}

impl Plotted {
    fn of(example: &Example) -> Self {
        let Example {
            context,
            prefix,
            middle,
            suffix,
            ..
        } = example;
        let chars = [context, prefix, middle, suffix].map(|part| part.chars().count());
        Self {
            kind: example.span_kind,
            complexity: example.complexity_score,
            sizes: Sizes::new(chars, example.context_max_chars),
        }
    }
}

/// What one look at all examples gives. Of each that is drawn to be shown it
/// keeps where to find it.
struct Gathered<T> {
    /// Examples in each part, by kind.
    kinds: BTreeMap<SpanKind, [u64; 2]>,
    /// Characters of context, prefix, middle and suffix, and of all of them.
    lengths: [Histogram<1>; 5],
    complexity: Histogram<2>,
    /// Percent of its budget that each context uses.
    context_use: Histogram<1>,
    without_context: u64,
    examples: u64,
    seed: u64,
    samples: BTreeMap<SpanKind, Sample<T>>,
}

/// The page on a dataset in the making, of which `report` tells: `parts` are
/// its examples, as `sink` has them, and `plotted` is what is known of each.
///
/// # Errors
/// If an example cannot be read.
pub(in crate::dataset) fn page_of_parts(
    report: &Report,
    parts: &SplitAssignment,
    plotted: &[Plotted],
    sink: &dyn Sink,
) -> io::Result<String> {
    let metadata = serde_json::to_value(report)?;
    let mut gathered = Gathered::new(&metadata);
    for (part, order) in [
        (Split::Train, &parts.train),
        (Split::Validation, &parts.val),
    ] {
        for (number, at) in (1..).zip(order) {
            gathered.add((part, number), &plotted[*at], *at);
        }
    }
    let (places, wanted): (Vec<_>, Vec<_>) = gathered.draw().into_iter().unzip();
    let mut places = places.into_iter();
    let mut shown = Vec::new();
    sink.read(&wanted, &mut |line| {
        let example = serde_json::from_slice(line)?;
        shown.extend(places.next().map(|place| Shown::new(place, example)));
        Ok(())
    })?;
    page(&metadata, &gathered, &shown, 1)
}

/// The page on the joined dataset that `metadata` are about, with plots and
/// examples of `datasets`, some of its parts.
///
/// # Errors
/// If an example cannot be read.
pub fn page_of_datasets(metadata: &Value, datasets: &[Dataset]) -> io::Result<String> {
    let mut gathered = Gathered::new(metadata);
    for part in [Split::Train, Split::Validation] {
        let mut number = 0;
        for dataset in datasets {
            for example in dataset.examples(part).map_err(io::Error::other)? {
                let example = example.map_err(io::Error::other)?;
                number += 1;
                gathered.add((part, number), &Plotted::of(&example), example);
            }
        }
    }
    let drawn = gathered.draw().into_iter();
    let shown: Vec<_> = drawn
        .map(|(place, example)| Shown::new(place, example))
        .collect();
    page(metadata, &gathered, &shown, datasets.len())
}

/// The page with the examples in `shown`, out of so many `datasets`.
fn page<T>(
    metadata: &Value,
    gathered: &Gathered<T>,
    shown: &[Shown],
    datasets: usize,
) -> io::Result<String> {
    let title = format!("Dataset for {}", text(metadata, "/options/base_model"));
    // `<` alone can end a script, and in JSON it has another spelling.
    let examples = serde_json::to_string(shown)?.replace('<', "\\u003c");
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                title { (title) }
                style { (PreEscaped(CSS)) }
            }
            body {
                (header(metadata, &title, datasets))
                (plots(metadata, gathered))
                (tables(metadata))
                (browser(gathered))
                script type="application/json" id="examples" { (PreEscaped(examples)) }
                script { (PreEscaped(JS)) }
            }
        }
    };
    Ok(page.into_string())
}

impl<T> Gathered<T> {
    /// Of no example yet.
    fn new(metadata: &Value) -> Self {
        let option = |name: &str| count(metadata, &format!("/options/{name}")) as usize;
        let budget = CharBudget {
            max_total: option("max_total_chars"),
            max_context: option("max_context_chars"),
        };
        let p90 = metadata.pointer("/complexity/p90").and_then(Value::as_f64);
        let total = budget.max_total;
        let most = [budget.context(), total, budget.middle(), total, total];
        Self {
            kinds: BTreeMap::new(),
            lengths: most.map(|most| Histogram::new(BINS, most as f64)),
            complexity: Histogram::new(BINS, p90.unwrap_or(0.0) * 1.5),
            context_use: Histogram::new(20, 100.0),
            without_context: 0,
            examples: 0,
            seed: count(metadata, "/options/seed"),
            samples: BTreeMap::new(),
        }
    }

    fn add(&mut self, place: Place, example: &Plotted, found: T) {
        let part = place.0 as usize;
        self.examples += 1;
        self.kinds.entry(example.kind).or_default()[part] += 1;
        let Sizes {
            context,
            prefix,
            middle,
            suffix,
            context_max,
        } = example.sizes;
        let chars = [context, prefix, middle, suffix].map(f64::from);
        let lengths = chars.into_iter().chain([chars.iter().sum()]);
        for (histogram, length) in self.lengths.iter_mut().zip(lengths) {
            histogram.add(0, length);
        }
        self.complexity.add(part, example.complexity);
        if context_max == 0 || context == 0 {
            self.without_context += 1;
        } else {
            // A full budget belongs to the last bin, not behind it.
            let used = f64::from(context) / f64::from(context_max);
            self.context_use.add(0, used * 100.0);
        }
        self.samples
            .entry(example.kind)
            .or_insert_with(|| Sample::new(SHOWN, self.seed, "\0report"))
            .offer(place, || found);
    }

    /// The examples to look at: of each kind the same number, or all there are
    /// of it, in the order of the dataset.
    fn draw(&mut self) -> Vec<(Place, T)> {
        let samples = std::mem::take(&mut self.samples).into_values();
        let mut kinds: Vec<_> = samples.map(Sample::drawn).collect();
        let mut drawn = Vec::new();
        while drawn.len() < SHOWN {
            let before = drawn.len();
            let round = kinds.iter_mut().filter_map(Iterator::next);
            drawn.extend(round.take(SHOWN - before));
            if drawn.len() == before {
                break;
            }
        }
        drawn.sort_by_key(|(place, _)| *place);
        drawn
    }
}

/// What the dataset is, in a few figures. `shown` is how many parts of a joined
/// dataset the rest of the page is about.
fn header(metadata: &Value, title: &str, shown: usize) -> Markup {
    let counts = |name: &str| count(metadata, &format!("/counts/{name}"));
    let tiles = [
        ("examples", number(counts("examples"))),
        ("to train on", number(counts("train"))),
        ("to validate with", number(counts("val"))),
        ("in val", percent(counts("val"), counts("examples"))),
        ("files used", number(counts("files_used"))),
        ("files indexed", number(counts("files_indexed"))),
    ];
    html! {
        header {
            h1 { (title) }
            p {
                (text(metadata, "/generator")) " " (text(metadata, "/version"))
                ", seed " (count(metadata, "/options/seed"))
                @if let Some(parts) = metadata.get("parts").and_then(Value::as_array) {
                    "; plots and examples are of " (shown) " of its " (parts.len()) " parts"
                }
            }
            nav aria-label="Sections" {
                a href="#plots" { "Plots" }
                a href="#tables" { "Files and options" }
                a href="#browser" { "Examples" }
            }
            dl.tiles { (terms(tiles)) }
        }
    }
}

/// The entries of a list of terms and what they stand for.
fn terms(entries: impl IntoIterator<Item = (impl AsRef<str>, String)>) -> Markup {
    html! {
        @for (name, value) in entries {
            div { dt { (name.as_ref()) } dd { (value) } }
        }
    }
}

/// What can be seen of the examples.
fn plots<T>(metadata: &Value, gathered: &Gathered<T>) -> Markup {
    let of_all = kind_rows(gathered, |[train, val]| (train + val, gathered.examples));
    let of_val = kind_rows(gathered, |[train, val]| (val, train + val));
    let mut cards = vec![
        bars("Kinds of spans", ["kind", "examples", "share"], &of_all),
        bars(
            "Validation, of each kind",
            ["kind", "in val", "share"],
            &of_val,
        ),
    ];
    let names = ["Context", "Prefix", "Middle", "Suffix", "All four parts"];
    for (name, histogram) in names.into_iter().zip(&gathered.lengths) {
        cards.push(histogram.svg(&format!("{name}: length"), "characters", [""]));
    }
    let with = gathered.examples - gathered.without_context;
    let rejections = entries(metadata, "/rejections", |value| value.as_u64());
    cards.extend([
        html! {
            (gathered.complexity.svg("Complexity", "points", ["train", "val"]))
            p.note {
                span.key.series-0 { "train" }
                span.key.series-1 { "val" }
                ": two shapes alike mean that validation is a fair sample"
            }
        },
        html! {
            (gathered.context_use.svg("Use of the context's budget", "%", [""]))
            p.note {
                (number(with)) " of " (number(gathered.examples)) " examples have a context ("
                (percent(with, gathered.examples)) ")"
            }
        },
        shares("Holes turned down", "reason", "holes", rejections),
    ]);
    section("plots", "Plots", &cards)
}

/// A row for each kind of hole. `share` tells from the numbers of its examples in
/// each split what is counted, and of how many.
fn kind_rows<T>(gathered: &Gathered<T>, share: impl Fn([u64; 2]) -> (u64, u64)) -> Vec<Bar> {
    let row = |(kind, counts): (&SpanKind, &[u64; 2])| {
        let (count, of) = share(*counts);
        let name = kind.name().into();
        Bar { name, count, of }
    };
    gathered.kinds.iter().map(row).collect()
}

/// Where the examples come from, and how the dataset was made.
fn tables(metadata: &Value) -> Markup {
    let skipped = entries(metadata, "/files_skipped", |value| {
        value.get("count")?.as_u64()
    });
    let mut cards = vec![shares("Files without examples", "reason", "files", skipped)];
    for (title, unit, name) in [
        ("Files with examples, by folder", "files used", "files"),
        ("Source with examples, by folder", "bytes used", "bytes"),
    ] {
        let coverage = metadata.pointer("/coverage").and_then(Value::as_object);
        let rows = coverage.into_iter().flatten().map(|(folder, counts)| Bar {
            name: folder.clone(),
            count: count(counts, &format!("/{name}_used")),
            of: count(counts, &format!("/{name}")),
        });
        let rows: Vec<_> = rows.collect();
        cards.push(bars(title, ["folder", unit, "share"], &rows));
    }
    let mut figures = Vec::new();
    for (name, value) in metadata.as_object().into_iter().flatten() {
        if !PLACED.contains(&name.as_str()) {
            flatten(name, value, &mut figures);
        }
    }
    cards.push(html! {
        h3 { "Options and figures" }
        dl.figures { (terms(figures)) }
    });
    section("tables", "Files and options", &cards)
}

/// The frame that the page's script fills.
fn browser<T>(gathered: &Gathered<T>) -> Markup {
    html! {
        section #browser {
            h2 { "Examples" }
            div.tools {
                label {
                    "Kind "
                    select #kind {
                        option value="" { "all" }
                        @for kind in gathered.kinds.keys() { option { (kind.name()) } }
                    }
                }
                label {
                    "Part "
                    select #part {
                        option value="" { "both" }
                        option { "train" }
                        option { "val" }
                    }
                }
                label { "Text " input #query type="search" spellcheck="false"; }
                button #previous type="button" { "Previous" }
                button #next type="button" { "Next" }
                output #count {}
                span.note { kbd { "j" } " " kbd { "k" } " step, " kbd { "/" } " searches" }
                span.legend {
                    @for part in ["context", "prefix", "middle", "suffix"] {
                        span class=(part) { (part) }
                    }
                }
            }
            div.browser {
                ol #list aria-label="Examples" {}
                article #shown aria-label="The example" tabindex="0" {}
            }
            noscript { p { "The examples are shown by a script in this page." } }
        }
    }
}

fn section(id: &str, title: &str, cards: &[Markup]) -> Markup {
    html! {
        section id=(id) {
            h2 { (title) }
            div.cards {
                @for card in cards { div.card { (card) } }
            }
        }
    }
}

/// A table of counts and their shares of the sum, the most first.
fn shares(title: &str, name: &str, unit: &str, mut counts: Vec<(String, u64)>) -> Markup {
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let sum = counts.iter().map(|(_, count)| count).sum();
    let others: u64 = counts.iter().skip(MAX_ROWS).map(|(_, count)| count).sum();
    counts.truncate(MAX_ROWS);
    if others > 0 {
        counts.push(("others".into(), others));
    }
    let rows = counts.into_iter().map(|(name, count)| Bar {
        name,
        count,
        of: sum,
    });
    bars(title, [name, unit, "share"], &rows.collect::<Vec<_>>())
}

/// What stands in the object at `pointer`.
fn entries(
    metadata: &Value,
    pointer: &str,
    count: impl Fn(&Value) -> Option<u64>,
) -> Vec<(String, u64)> {
    let object = metadata.pointer(pointer).and_then(Value::as_object);
    let entries = object.into_iter().flatten();
    entries
        .filter_map(|(name, value)| Some((name.clone(), count(value)?)))
        .collect()
}

/// The values in `value` by their path, lists in one line.
fn flatten(path: &str, value: &Value, into: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                flatten(&format!("{path}.{name}"), value, into);
            }
        }
        Value::String(text) => into.push((path.to_owned(), text.clone())),
        // Six digits are enough to look at, and none of an option is lost.
        Value::Number(number) if number.is_f64() => {
            let rounded = number.as_f64().map(|number| (number * 1e6).round() / 1e6);
            into.push((
                path.to_owned(),
                rounded.map_or_else(String::new, |n| n.to_string()),
            ));
        }
        other => into.push((path.to_owned(), other.to_string())),
    }
}

/// The count at `pointer`; 0 if there is none.
fn count(value: &Value, pointer: &str) -> u64 {
    value.pointer(pointer).and_then(Value::as_u64).unwrap_or(0)
}

/// The text at `pointer`, or nothing.
fn text(value: &Value, pointer: &str) -> String {
    let text = value.pointer(pointer).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}
