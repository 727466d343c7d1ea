//! The cases on the page: as many as keep it small, with their texts.

use rustc_hash::FxHashMap;
use serde::Serialize;

use super::Embedded;
use crate::eval::completion::figure::{Figure, FigureValues, Unit, Wanted};
use crate::eval::completion::report::CompletionReport;
use crate::eval::completion::{AnswerRow, CompletionHole};
use crate::html::EmbeddedJson;
use crate::html::charts::number;

/// The most cases on a page.
const MAX_CASES: usize = 1500;
/// The most bytes of all contexts on a page, as the page holds them.
const MAX_CONTEXT_BYTES: usize = 6 << 20;
/// The most characters of any other text on a page.
const MAX_TEXT_CHARS: usize = 3000;
/// About how many bytes the number of a line takes in JSON.
const LINE_NUMBER_BYTES: usize = 6;

/// A hole and its answers, as the page's script reads them.
#[derive(Debug, Serialize)]
pub(super) struct Case {
    path: String,
    cursor: usize,
    kind: String,
    directory: String,
    needed: Option<String>,
    before: String,
    middle: String,
    after: String,
    /// For each condition its answer, if there is one.
    answers: Vec<Option<CaseAnswer>>,
}

/// An answer, as the page's script reads it.
#[derive(Debug, Serialize)]
struct CaseAnswer {
    shown: String,
    /// What the model wrote, if that is something else.
    raw: Option<String>,
    /// The numbers of the lines of the context; none if it is left out.
    context: Option<Vec<u32>>,
    held: Option<bool>,
    error: Option<String>,
    /// The values of the stable figures, in their order.
    values: Vec<Option<f64>>,
}

/// What the page's script needs to know of a figure.
#[derive(Debug, Serialize)]
struct PageFigure {
    name: &'static str,
    label: &'static str,
    unit: Unit,
    wanted: Wanted,
}

/// All that the page's script reads, but for what differs from run to run.
#[derive(Debug, Serialize)]
struct PageData<'a> {
    conditions: Vec<&'a str>,
    figures: Vec<PageFigure>,
    /// The distinct lines of all contexts.
    lines: Vec<String>,
    cases: Vec<Case>,
    /// The directories that have a group of their own.
    directories: Vec<&'a str>,
}

impl Case {
    /// The figures by which the script compares two answers.
    pub(super) const COMPARED: [Figure; 6] = [
        Figure::Exact,
        Figure::FirstLine,
        Figure::AcceptedShare,
        Figure::EditSimilarity,
        Figure::IdentifiersF1,
        Figure::BitsPerChar,
    ];
}

/// Collects the cases of a page. Texts that would make it large are left out.
#[derive(Debug)]
pub struct PageCases {
    holes: usize,
    seen: usize,
    cases: Vec<Case>,
    /// For each case and condition, the values of the figures that vary.
    varying: Vec<Vec<Vec<Option<f64>>>>,
    lines: Vec<String>,
    numbers: FxHashMap<String, u32>,
    context_bytes: usize,
    contexts_left_out: usize,
    contexts: usize,
    conditions: usize,
}

impl PageCases {
    /// No cases yet, of a run with so many `holes` and `conditions`.
    #[must_use]
    pub fn new(holes: usize, conditions: usize) -> Self {
        Self {
            holes,
            seen: 0,
            cases: Vec::new(),
            varying: Vec::new(),
            lines: Vec::new(),
            numbers: FxHashMap::default(),
            context_bytes: 0,
            contexts_left_out: 0,
            contexts: 0,
            conditions,
        }
    }

    /// Offers the next hole with its answers. The page has every hole, or as many as it
    /// may have at equal distances.
    pub fn add(&mut self, hole: &CompletionHole, rows: &[AnswerRow]) {
        let place = |at: usize| at * MAX_CASES / self.holes.max(1);
        let at = self.seen;
        self.seen += 1;
        if self.holes > MAX_CASES && at > 0 && place(at) == place(at - 1) {
            return;
        }
        let mut answers: Vec<Option<CaseAnswer>> = (0..self.conditions).map(|_| None).collect();
        let mut varying = vec![Vec::new(); self.conditions];
        for row in rows {
            let condition = row.condition as usize;
            if condition >= self.conditions {
                continue;
            }
            let values = FigureValues::new(hole, row);
            let rounded = |figures: &[Figure]| -> Vec<Option<f64>> {
                // A request that failed has no values.
                let value = |figure: &Figure| values.get(*figure).filter(|_| row.error.is_none());
                let rounded = |value: f64| (value * 1e4).round() / 1e4;
                figures
                    .iter()
                    .map(|figure| value(figure).map(rounded))
                    .collect()
            };
            answers[condition] = Some(CaseAnswer {
                shown: begin(&row.shown),
                raw: (row.raw != row.shown).then(|| begin(&row.raw)),
                context: self.context(&row.context),
                held: row.needed_in_context,
                error: row.error.clone(),
                values: rounded(Figure::stable()),
            });
            varying[condition] = rounded(Figure::varying());
        }
        self.varying.push(varying);
        self.cases.push(Case {
            path: hole.path.clone(),
            cursor: hole.cursor,
            kind: hole.kind.clone(),
            directory: hole.directory.clone(),
            needed: hole.needed.clone(),
            before: end(&hole.before),
            middle: begin(&hole.middle),
            after: begin(&hole.after),
            answers,
        });
    }

    /// The numbers of the lines of `context`, each line kept once for all contexts; none
    /// if the contexts would take too much room with it.
    fn context(&mut self, context: &str) -> Option<Vec<u32>> {
        if context.is_empty() {
            return Some(Vec::new());
        }
        self.contexts += 1;
        let lines = || context.split('\n');
        let new = lines().filter(|line| !self.numbers.contains_key(*line));
        let bytes: usize = new.map(|line| line.len() + 3).sum();
        let bytes = bytes + lines().count() * LINE_NUMBER_BYTES;
        if self.context_bytes + bytes > MAX_CONTEXT_BYTES {
            self.contexts_left_out += 1;
            return None;
        }
        self.context_bytes += bytes;
        let mut numbers = Vec::new();
        for line in lines() {
            let next = self.lines.len() as u32;
            let number = *self.numbers.entry(line.to_owned()).or_insert_with(|| {
                self.lines.push(line.to_owned());
                next
            });
            numbers.push(number);
        }
        Some(numbers)
    }

    /// What the page leaves out, in words; none if it has everything.
    pub(super) fn left_out(&self) -> Option<String> {
        let mut words = Vec::new();
        let count = |count: usize| number(count as u64);
        if self.cases.len() < self.holes {
            words.push(format!(
                "The page shows {} of {} holes, drawn evenly.",
                count(self.cases.len()),
                count(self.holes)
            ));
        }
        if self.contexts_left_out > 0 {
            words.push(format!(
                "{} of {} contexts are left out.",
                count(self.contexts_left_out),
                count(self.contexts)
            ));
        }
        (!words.is_empty()).then(|| {
            words.push("cases.jsonl has everything; the plots and tables are of all holes.".into());
            words.join(" ")
        })
    }

    /// The JSON of the cases, and that of their values that vary.
    pub(super) fn embedded(self, report: &CompletionReport) -> serde_json::Result<Embedded> {
        let named = |figure: &Figure| PageFigure {
            name: figure.name(),
            label: figure.label(),
            unit: figure.unit(),
            wanted: figure.wanted(),
        };
        let directories = report.directories.iter().map(|group| &*group.name);
        let data = PageData {
            conditions: report.conditions.iter().map(|of| &*of.name).collect(),
            figures: Figure::ALL.iter().map(named).collect(),
            lines: self.lines,
            cases: self.cases,
            directories: directories.collect(),
        };
        Ok((EmbeddedJson::new(&data)?, EmbeddedJson::new(&self.varying)?))
    }
}

/// `text`, or its beginning and how much is left out.
fn begin(text: &str) -> String {
    match text.char_indices().nth(MAX_TEXT_CHARS) {
        None => text.to_owned(),
        Some((end, _)) => {
            let rest = text[end..].chars().count();
            format!("{} … {rest} characters left out", &text[..end])
        }
    }
}

/// `text`, or its end and how much is left out.
fn end(text: &str) -> String {
    match text.char_indices().rev().nth(MAX_TEXT_CHARS - 1) {
        Some((start, _)) if start > 0 => {
            let before = text[..start].chars().count();
            format!("{before} characters left out … {}", &text[start..])
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(cases: &mut PageCases, id: u32, context: &str) {
        let hole = CompletionHole {
            id,
            path: format!("{id}.php"),
            cursor: 0,
            kind: "call".into(),
            directory: ".".into(),
            middle: "a();".into(),
            needed: None,
            before: String::new(),
            after: String::new(),
        };
        let row = AnswerRow {
            hole: id,
            condition: 0,
            shown: "a();".into(),
            raw: "a();".into(),
            context: context.into(),
            needed_in_context: None,
            cut: false,
            parses: None,
            tokens_read: None,
            tokens_reused: None,
            tokens_written: None,
            first_token_ms: None,
            total_ms: 1.0,
            bits_per_char: None,
            error: None,
        };
        cases.add(&hole, &[row]);
    }

    #[test]
    fn a_page_has_so_many_cases_drawn_evenly() {
        let mut cases = PageCases::new(10_000, 1);
        (0..10_000).for_each(|id| add(&mut cases, id, ""));
        assert_eq!(cases.cases.len(), MAX_CASES);
        let paths: Vec<&str> = cases.cases.iter().map(|case| &*case.path).collect();
        assert_eq!(&paths[..3], ["0.php", "7.php", "14.php"]);
        let words = cases.left_out().unwrap();
        assert!(
            words.starts_with("The page shows 1,500 of 10,000 holes"),
            "{words}"
        );
        let mut few = PageCases::new(3, 1);
        (0..3).for_each(|id| add(&mut few, id, ""));
        assert_eq!((few.cases.len(), few.left_out()), (3, None));
    }

    #[test]
    fn contexts_share_their_lines_and_have_a_limit() {
        let mut cases = PageCases::new(1000, 1);
        add(&mut cases, 0, "class A\n{\n}");
        add(&mut cases, 1, "class B\n{\n}");
        assert_eq!(cases.lines, ["class A", "{", "}", "class B"]);
        let shown = |at: usize| cases.cases[at].answers[0].as_ref().unwrap().context.clone();
        assert_eq!(
            (shown(0), shown(1)),
            (Some(vec![0, 1, 2]), Some(vec![3, 1, 2]))
        );
        for id in 2..1000 {
            let line = format!("function f{id}(): {};", "x".repeat(100));
            add(
                &mut cases,
                id,
                &format!("{line}{}", &format!("\n{line}{id}").repeat(100)),
            );
        }
        assert!(cases.context_bytes <= MAX_CONTEXT_BYTES);
        let other = "y".repeat(MAX_CONTEXT_BYTES);
        add(&mut cases, 1000, &other);
        assert!(
            cases.cases.last().unwrap().answers[0]
                .as_ref()
                .unwrap()
                .context
                .is_none()
        );
        let words = cases.left_out().unwrap();
        assert!(words.contains(" contexts are left out."), "{words}");
    }

    #[test]
    fn long_texts_are_cut() {
        let long = "ä".repeat(MAX_TEXT_CHARS + 7);
        assert!(begin(&long).ends_with(" … 7 characters left out"));
        assert!(end(&long).starts_with("7 characters left out … ä"));
        let fits = "ä".repeat(MAX_TEXT_CHARS);
        assert_eq!((begin(&fits), end(&fits)), (fits.clone(), fits));
    }
}
