//! The report on runs made by hand.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::figure::Figure;
use super::page::{PageAbout, PageCases, page};
use super::report::{CompletionReport, CompletionTally, HoleGroup};
use super::statistics::Seen;
use super::*;

const CONDITIONS: [&str; 2] = ["without", "with"];

fn hole(id: u32) -> CompletionHole {
    let file = id / 3;
    let directory = format!("src/{}", file % 4);
    CompletionHole {
        id,
        path: format!("{directory}/{file}.php"),
        cursor: 100,
        kind: ["call", "statement"][id as usize % 2].into(),
        directory,
        middle: format!("$this->find($id{id});"),
        needed: (!id.is_multiple_of(5)).then(|| "find".into()),
        before: "<?php\n        ".into(),
        after: "\n    }\n".into(),
    }
}

fn answer(hole: &CompletionHole, condition: u32, shown: &str) -> AnswerRow {
    AnswerRow {
        hole: hole.id,
        condition,
        shown: shown.into(),
        raw: shown.into(),
        context: "class A\n{\n}\n".repeat(condition as usize),
        needed_in_context: hole.needed.as_ref().map(|_| condition == 1),
        cut: false,
        parses: Some(true),
        tokens_read: Some(100),
        tokens_reused: None,
        tokens_written: Some(8),
        first_token_ms: Some(30.0),
        total_ms: 60.0 + f64::from(hole.id % 10),
        bits_per_char: None,
        error: None,
    }
}

/// The holes and answers of servers that are `right` with these probabilities, each
/// answer with its hole.
fn run(holes: u32, right: [f64; 2]) -> Vec<(CompletionHole, AnswerRow)> {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let asked = (0..holes).flat_map(|id| [(id, 0), (id, 1)]);
    asked
        .map(|(id, condition)| {
            let hole = hole(id);
            let is_right = rng.random::<f64>() < right[condition as usize];
            let shown = match is_right {
                true => hole.middle.clone(),
                false => "$this->other($x);".to_owned(),
            };
            let row = answer(&hole, condition, &shown);
            (hole, row)
        })
        .collect()
}

fn report(answers: &[(CompletionHole, AnswerRow)]) -> CompletionReport {
    let mut tally = CompletionTally::new(CONDITIONS.map(String::from).to_vec(), 42);
    for (hole, row) in answers {
        tally.add(hole, row);
    }
    tally.report()
}

fn seen(group: &HoleGroup, figure: Figure) -> Seen {
    let result = &group.conditions[1].figures[&figure];
    result.difference.unwrap().seen
}

#[test]
fn a_planted_difference_is_found_and_a_tie_is_not() {
    let differs = report(&run(600, [0.55, 0.75]));
    for figure in [Figure::Exact, Figure::IdentifiersF1, Figure::EditSimilarity] {
        assert_eq!(seen(&differs.all, figure), Seen::Higher, "{figure:?}");
        assert_eq!(figure.words(seen(&differs.all, figure)), "better");
    }
    assert_eq!(seen(&differs.all, Figure::Empty), Seen::NoDifference);
    let tie = report(&run(600, [0.6, 0.6]));
    assert_eq!(seen(&tie.all, Figure::Exact), Seen::NoDifference);
    let equal = &tie.all.conditions[1].figures[&Figure::TokensWritten];
    assert_eq!(equal.difference.unwrap().words, "no difference seen");
}

#[test]
fn the_order_of_answers_does_not_matter() {
    let mut answers = run(60, [0.5, 0.7]);
    let json = |answers: &[_]| serde_json::to_string(&report(answers)).unwrap();
    let first = json(&answers);
    answers.reverse();
    assert_eq!(json(&answers), first);
    answers.rotate_left(37);
    assert_eq!(json(&answers), first);
}

#[test]
fn groups_hold_their_holes() {
    let report = report(&run(60, [0.5, 0.7]));
    let sizes = |groups: &[HoleGroup]| -> Vec<(String, usize)> {
        let groups = groups.iter();
        groups.map(|of| (of.name.clone(), of.holes)).collect()
    };
    assert_eq!((report.holes, report.files), (60, 20));
    assert_eq!(
        sizes(&report.kinds),
        [("call".into(), 30), ("statement".into(), 30)]
    );
    assert_eq!(sizes(&report.directories).len(), 4);
    // Only one condition has the needed name in its contexts. It is compared with the
    // other at the same holes.
    let [held, missed] = &report.needed_name[..] else {
        panic!("two groups");
    };
    assert_eq!((held.holes, missed.holes), (48, 48));
    assert_eq!(held.conditions.iter().map(|of| of.answers).max(), Some(48));
    assert_eq!(held.conditions[0].answers, 0);
    let exact = held.conditions[1].figures[&Figure::Exact];
    assert_eq!(exact.difference.unwrap().estimate.values, 48);
    assert!(missed.conditions[1].figures.is_empty());
}

#[test]
fn failed_requests_are_in_no_figure() {
    let mut answers = run(60, [0.5, 0.7]);
    for (_, row) in answers.iter_mut().filter(|(hole, _)| hole.id < 10) {
        if row.condition == 1 {
            row.error = Some("the server has gone".into());
        }
    }
    let report = report(&answers);
    let counts = |at: usize| (report.conditions[at].answers, report.conditions[at].errors);
    assert_eq!((counts(0), counts(1)), ((60, 0), (50, 10)));
    let exact = report.all.conditions[1].figures[&Figure::Exact];
    assert_eq!(exact.estimate.values, 50);
    assert_eq!(exact.difference.unwrap().estimate.values, 50);
}

#[test]
fn the_page_shows_hostile_texts_as_texts() {
    let mut answers = run(8, [0.5, 0.7]);
    let hostile = "</script><script>document.title = 1</script>\u{2028}";
    answers[1].1.shown = hostile.into();
    answers[1].1.context = hostile.into();
    answers[0].0.path = hostile.into();
    let report = report(&answers);
    let mut cases = PageCases::new(8, 2);
    for pair in answers.chunks(2) {
        let rows: Vec<AnswerRow> = pair.iter().map(|(_, row)| row.clone()).collect();
        cases.add(&pair[0].0, &rows);
    }
    let about = PageAbout {
        title: "Completions of <shop>".into(),
        options: vec![("seed".into(), "42".into())],
    };
    let page = page(&about, &report, cases).unwrap();
    assert_eq!(page.matches("<script").count(), 3);
    assert_eq!(page.matches("</script").count(), 3);
    assert!(!page.contains('\u{2028}'));
    assert!(page.contains("Completions of &lt;shop&gt;"));
    assert!(page.contains("too few files to tell"));
}

#[test]
fn the_table_says_what_is_seen() {
    let report = report(&run(300, [0.5, 0.75]));
    let mut out = anstream::StripStream::new(Vec::new());
    super::table::write_table(&mut out, &report).unwrap();
    let table = String::from_utf8(out.into_inner()).unwrap();
    insta::assert_snapshot!(table);
}
