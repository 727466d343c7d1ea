//! Renders `report.html`: plots and tables on a dataset, and some hundred of its
//! examples. The page is one file that loads nothing else. It depends only on the
//! dataset, so equal datasets have equal pages.

use std::io;

use maud::{Markup, html};
use serde::Serialize;
use serde_json::Value;

use crate::dataset::record::{Example, SpanKind};
use crate::dataset::report::metadata::Report;
use crate::dataset::report::page_data::{PageData, PlotPoint, count};
use crate::dataset::report::sample::{ExamplePosition, position_name};
use crate::dataset::sink::Sink;
use crate::dataset::split::{Split, SplitAssignment};
use crate::dataset::stored::StoredDataset;
use crate::html::charts::{BarRow, bars, number, percent};
use crate::html::{EmbeddedJson, Page, browser_panes, browser_steps, section, terms};

const JS: &str = include_str!("page.js");

/// The most rows of a table. The last row of a longer table sums up the others.
const MAX_ROWS: usize = 40;
/// The metadata for which the page has plots and tables of their own. A list shows
/// all other metadata.
const SHOWN_ELSEWHERE: [&str; 10] = [
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

/// An example as the page's script reads it.
#[derive(Debug, Serialize)]
struct PageExample {
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

impl PageExample {
    fn new(position: ExamplePosition, example: Example) -> Self {
        Self {
            place: position_name(position),
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

/// The page on a dataset that a run is about to write. `report` is the report on
/// the run, `splits` are the indices of its examples in `sink`, and `points` holds
/// the figures of each example.
///
/// # Errors
/// If the sink cannot read an example.
pub(in crate::dataset) fn page_of_run(
    report: &Report,
    splits: &SplitAssignment,
    points: &[PlotPoint],
    sink: &dyn Sink,
) -> io::Result<String> {
    let metadata = serde_json::to_value(report)?;
    let mut data = PageData::new(&metadata);
    for (split, order) in [
        (Split::Train, &splits.train),
        (Split::Validation, &splits.validation),
    ] {
        for (number, at) in (1..).zip(order) {
            data.add((split, number), &points[*at], *at);
        }
    }
    let (positions, indices): (Vec<_>, Vec<_>) = data.draw().into_iter().unzip();
    let mut positions = positions.into_iter();
    let mut examples = Vec::new();
    sink.read(&indices, &mut |line| {
        let example = serde_json::from_slice(line)?;
        let position = positions.next();
        examples.extend(position.map(|position| PageExample::new(position, example)));
        Ok(())
    })?;
    page(&metadata, &data, &examples, 1)
}

/// The page on the joined dataset with these `metadata`. Its plots and examples
/// are those of `datasets`, which are some of the parts.
///
/// # Errors
/// If an example cannot be read.
pub(in crate::dataset) fn page_of_parts(
    metadata: &Value,
    datasets: &[impl StoredDataset],
) -> io::Result<String> {
    let mut data = PageData::new(metadata);
    for split in Split::ALL {
        let mut number = 0;
        for dataset in datasets {
            for example in dataset.examples(split).map_err(io::Error::other)? {
                let example = example.map_err(io::Error::other)?;
                number += 1;
                data.add((split, number), &PlotPoint::of(&example), example);
            }
        }
    }
    let drawn = data.draw().into_iter();
    let examples: Vec<_> = drawn
        .map(|(position, example)| PageExample::new(position, example))
        .collect();
    page(metadata, &data, &examples, datasets.len())
}

/// The page with these `examples`. `parts` is how many parts of a joined dataset
/// the plots and examples are about.
fn page<T>(
    metadata: &Value,
    data: &PageData<T>,
    examples: &[PageExample],
    parts: usize,
) -> io::Result<String> {
    let title = format!("Dataset for {}", text(metadata, "/options/base_model"));
    let page = Page {
        title: &title,
        css: "",
        body: html! {
            (header(metadata, &title, parts))
            (browser(data))
            (plots(metadata, data))
            (tables(metadata))
        },
        data: vec![("examples", EmbeddedJson::new(&examples)?)],
        script: JS,
    };
    Ok(page.render())
}

/// The title, a few figures and links to the sections. `shown_parts` is how many
/// parts of a joined dataset the plots and examples are about.
fn header(metadata: &Value, title: &str, shown_parts: usize) -> Markup {
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
                    "; plots and examples are of " (shown_parts) " of its " (parts.len()) " parts"
                }
            }
            nav aria-label="Sections" {
                a href="#browser" { "Examples" }
                a href="#plots" { "Plots" }
                a href="#tables" { "Files and options" }
            }
            dl.tiles { (terms(tiles)) }
        }
    }
}

/// The section with plots of the examples.
fn plots<T>(metadata: &Value, data: &PageData<T>) -> Markup {
    let of_all = kind_rows(data, |[train, val]| (train + val, data.examples));
    let of_val = kind_rows(data, |[train, val]| (val, train + val));
    let mut cards = vec![
        bars("Kinds of spans", ["kind", "examples", "share"], &of_all),
        bars(
            "Validation, of each kind",
            ["kind", "in val", "share"],
            &of_val,
        ),
    ];
    let names = ["Context", "Prefix", "Middle", "Suffix", "All four parts"];
    for (name, histogram) in names.into_iter().zip(&data.lengths) {
        cards.push(histogram.svg(&format!("{name}: length"), "characters", [""]));
    }
    let with = data.examples - data.without_context;
    let rejections = entries(metadata, "/rejections", |value| value.as_u64());
    cards.extend([
        html! {
            (data.complexity.svg("Complexity", "points", ["train", "val"]))
            p.note {
                span.key.series-0 { "train" }
                span.key.series-1 { "val" }
                ": two shapes alike mean that validation is a fair sample"
            }
        },
        html! {
            (data.context_use.svg("Use of the context's budget", "%", [""]))
            p.note {
                (number(with)) " of " (number(data.examples)) " examples have a context ("
                (percent(with, data.examples)) ")"
            }
        },
        shares("Holes turned down", "reason", "holes", rejections),
    ]);
    section("plots", "Plots", &cards)
}

/// A row for each kind of hole. `share` maps the numbers of its examples in each
/// split to a count and the total of which the count is a share.
fn kind_rows<T>(data: &PageData<T>, share: impl Fn([u64; 2]) -> (u64, u64)) -> Vec<BarRow> {
    let row = |(kind, counts): (&SpanKind, &[u64; 2])| {
        let (count, of) = share(*counts);
        let name = kind.name().into();
        BarRow { name, count, of }
    };
    data.kinds.iter().map(row).collect()
}

/// The section with tables on the source files and the options.
fn tables(metadata: &Value) -> Markup {
    let skipped = entries(metadata, "/files_skipped", |value| {
        value.get("count")?.as_u64()
    });
    let mut cards = vec![shares("Files without examples", "reason", "files", skipped)];
    cards.push(examples_by_folder(metadata));
    for (title, unit, name) in [
        ("Files with examples, by folder", "files used", "files"),
        ("Source with examples, by folder", "bytes used", "bytes"),
    ] {
        let coverage = metadata.pointer("/coverage").and_then(Value::as_object);
        let rows = coverage
            .into_iter()
            .flatten()
            .map(|(folder, counts)| BarRow {
                name: folder.clone(),
                count: count(counts, &format!("/{name}_used")),
                of: count(counts, &format!("/{name}")),
            });
        let rows: Vec<_> = rows.collect();
        cards.push(bars(title, ["folder", unit, "share"], &rows));
    }
    let mut figures = Vec::new();
    for (name, value) in metadata.as_object().into_iter().flatten() {
        if !SHOWN_ELSEWHERE.contains(&name.as_str()) {
            flatten(name, value, &mut figures);
        }
    }
    cards.push(html! {
        h3 { "Options and figures" }
        dl.figures { (terms(figures)) }
    });
    section("tables", "Files and options", &cards)
}

/// The section in which the page's script shows the examples.
fn browser<T>(data: &PageData<T>) -> Markup {
    html! {
        section #browser {
            h2 { "Examples" }
            div.tools {
                label {
                    "Kind "
                    select #kind {
                        option value="" { "all" }
                        @for kind in data.kinds.keys() { option { (kind.name()) } }
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
                (browser_steps())
                span.legend {
                    @for part in ["context", "prefix", "middle", "suffix"] {
                        span class=(part) { (part) }
                    }
                }
            }
            (browser_panes("Examples", "The example"))
        }
    }
}

/// The table of the examples of each folder, and their shares of all.
fn examples_by_folder(metadata: &Value) -> Markup {
    let examples = entries(metadata, "/coverage", |folder| {
        folder.get("examples")?.as_u64().filter(|count| *count > 0)
    });
    shares("Examples, by folder", "folder", "examples", examples)
}

/// A table of counts and their shares of the sum, in descending order.
fn shares(title: &str, name: &str, unit: &str, mut counts: Vec<(String, u64)>) -> Markup {
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let sum = counts.iter().map(|(_, count)| count).sum();
    let others: u64 = counts.iter().skip(MAX_ROWS).map(|(_, count)| count).sum();
    counts.truncate(MAX_ROWS);
    if others > 0 {
        counts.push(("others".into(), others));
    }
    let rows = counts.into_iter().map(|(name, count)| BarRow {
        name,
        count,
        of: sum,
    });
    bars(title, [name, unit, "share"], &rows.collect::<Vec<_>>())
}

/// The entries of the object at `pointer`. `count` maps an entry's value to its
/// count; entries without a count are left out.
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

/// Adds the values in `value` with their paths. A list is one value.
fn flatten(path: &str, value: &Value, into: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                flatten(&format!("{path}.{name}"), value, into);
            }
        }
        Value::String(text) => into.push((path.to_owned(), text.clone())),
        // Six digits behind the point are enough for a reader, and no option has more.
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

/// The text at `pointer`; empty if there is none.
fn text(value: &Value, pointer: &str) -> String {
    let text = value.pointer(pointer).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}
