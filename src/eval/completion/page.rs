//! Renders the page of a run: plots and tables of its report, and a browser of its cases.
//! A case is a hole with the answer of each condition. The page is one file that loads
//! nothing else.

mod cases;
mod plots;
mod tables;

use maud::{Markup, html};

use self::cases::Case;
pub use self::cases::PageCases;
use super::figure::Figure;
use super::report::{CompletionReport, ConditionFigures, FigureResult, HoleGroup};
use crate::html::charts::number;
use crate::html::{EmbeddedJson, Page, browser_panes, browser_steps, terms};

const CSS: &str = include_str!("page/page.css");
const JS: &str = include_str!("page/page.js");

/// The orders of the cases.
const SORTS: [(&str, &str); 4] = [
    ("", "as drawn"),
    ("second", "gains first"),
    ("first", "losses first"),
    ("low", "poorest first"),
];
/// The cases by their needed name.
const NEEDED: [(&str, &str); 4] = [
    ("", "all"),
    ("held", "in the context"),
    ("missed", "not in the context"),
    ("none", "none needed"),
];

/// What the page says of a run beside its figures.
#[derive(Clone, Debug)]
pub struct PageAbout {
    /// The title.
    pub title: String,
    /// Names and values: how the run was made.
    pub options: Vec<(String, String)>,
}

/// The page with this `report` and these `cases`.
///
/// # Errors
/// If a text is none that JSON has.
pub fn page(
    about: &PageAbout,
    report: &CompletionReport,
    cases: PageCases,
) -> serde_json::Result<String> {
    let left_out = cases.left_out();
    let (data, times) = cases.embedded(report)?;
    let page = Page {
        title: &about.title,
        css: CSS,
        body: html! {
            (header(about, report))
            (browser(report, left_out.as_deref()))
            (plots::plots(report))
            (tables::tables(about, report))
        },
        data: vec![("cases", data), ("times", times)],
        script: JS,
    };
    Ok(page.render())
}

/// The title, a few figures and what the differences tell.
fn header(about: &PageAbout, report: &CompletionReport) -> Markup {
    let answers: usize = report.conditions.iter().map(|of| of.answers).sum();
    let errors: usize = report.conditions.iter().map(|of| of.errors).sum();
    let count = |count: usize| number(count as u64);
    let tiles = [
        ("holes", count(report.holes)),
        ("files", count(report.files)),
        ("conditions", count(report.conditions.len())),
        ("answers", count(answers)),
        ("failed requests", count(errors)),
    ];
    html! {
        header {
            h1 { (about.title) }
            nav aria-label="Sections" {
                a href="#browser" { "Cases" }
                a href="#plots" { "Plots" }
                a href="#tables" { "Tables" }
            }
            dl.tiles { (terms(tiles)) }
            (findings(report))
        }
    }
}

/// A line for each condition: its exact matches, and those of the baseline.
fn findings(report: &CompletionReport) -> Markup {
    let figure = Figure::Exact;
    let exact = |of: &ConditionFigures| of.figures.get(&figure).copied();
    html! {
        ul.findings {
            @for condition in &report.all.conditions {
                @if let Some(FigureResult { estimate, difference }) = exact(condition) {
                    li {
                        b { (condition.name) } ": " (figure.value_text(estimate.mean)) " exact"
                        @if let Some(difference) = difference {
                            ", "
                            (figure.difference_text(difference.estimate.mean))
                            " points against " b { (report.baseline()) }
                            (figure.difference_interval_text(&difference.estimate))
                            ": " (difference.words)
                        }
                    }
                }
            }
        }
    }
}

/// The section in which the page's script shows the cases.
fn browser(report: &CompletionReport, left_out: Option<&str>) -> Markup {
    let names = report.conditions.iter().map(|of| &*of.name);
    let conditions: Vec<(String, &str)> =
        (0..).map(|at: usize| at.to_string()).zip(names).collect();
    let figures = Case::COMPARED.map(|figure| (figure.name(), figure.label()));
    let named = |groups: &'_ [HoleGroup]| -> Vec<(String, String)> {
        let names = groups.iter().map(|group| group.name.clone());
        let all = ("".to_owned(), "all".to_owned());
        std::iter::once(all)
            .chain(names.map(|name| (name.clone(), name)))
            .collect()
    };
    html! {
        section #browser {
            h2 { "Cases" }
            div.tools {
                (choice("first", "Compare", &conditions, 0))
                (choice("second", "with", &conditions, 1))
                (choice("measure", "by", &figures, 0))
                label { "Won by " select #winner {} }
                (choice("sort", "Sort", &SORTS, 0))
            }
            div.tools {
                (choice("kind", "Kind", &named(&report.kinds), 0))
                (choice("directory", "Directory", &named(&report.directories), 0))
                (choice("needed", "Needed name", &NEEDED, 0))
                label { "Text " input #query type="search" spellcheck="false"; }
                (browser_steps())
            }
            @if let Some(left_out) = left_out { p.note { (left_out) } }
            (browser_panes("Cases", "The case"))
        }
    }
}

/// A list with this `label` from which one of `options`, values and names, is chosen.
fn choice<V: AsRef<str>, N: AsRef<str>>(
    id: &str,
    label: &str,
    options: &[(V, N)],
    chosen: usize,
) -> Markup {
    html! {
        label {
            (label) " "
            select id=(id) {
                @for (at, (value, name)) in options.iter().enumerate() {
                    option value=(value.as_ref()) selected[at == chosen] { (name.as_ref()) }
                }
            }
        }
    }
}

impl CompletionReport {
    /// The name of the baseline.
    fn baseline(&self) -> &str {
        self.conditions.first().map_or("", |of| &of.name)
    }
}

/// The JSON of the script's two elements.
type Embedded = (EmbeddedJson, EmbeddedJson);
