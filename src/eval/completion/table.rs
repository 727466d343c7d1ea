//! The report as a table for a terminal.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::figure::Figure;
use super::report::{CompletionReport, ConditionFigures, HoleGroup, PairedDifference};
use super::statistics::MIN_DIFFERING_FILES;

/// The width of the column of names.
const NAME: usize = 24;
/// The width of a column of means.
const MEAN: usize = 10;
/// The most characters of the name of a condition over a column.
const HEAD: usize = 14;
/// The width of a difference with its interval.
const DIFFERENCE: usize = 26;

/// Writes the `report`: a line for each figure, a column for each condition, and the
/// differences to the baseline with their intervals and in words.
///
/// # Errors
/// If `out` cannot be written to.
pub fn write_table(out: &mut dyn Write, report: &CompletionReport) -> io::Result<()> {
    let bold = Style::new().bold();
    write!(out, "{} holes in {} files", report.holes, report.files)?;
    let failed = report.conditions.iter().filter(|of| of.errors > 0);
    for of in failed {
        write!(out, ", {} requests of {} failed", of.errors, of.name)?;
    }
    writeln!(out, "\n")?;
    let all = &report.all.conditions;
    // Two conditions and their difference fit in one table.
    let compared = (all.len() == 2).then(|| &all[1]);
    figures(out, Figure::stable(), all, compared)?;
    if all.len() > 2 {
        for condition in &all[1..] {
            let baseline = &all[0].name;
            writeln!(out, "\n{bold}{} against {baseline}{bold:#}", condition.name)?;
            figures(out, Figure::stable(), &[], Some(condition))?;
        }
    }
    for (title, groups) in [
        ("by kind of hole", &report.kinds),
        (
            "by whether the context holds the needed name",
            &report.needed_name,
        ),
        ("by directory", &report.directories),
    ] {
        by_group(out, title, groups)?;
    }
    server(out, report)?;
    notes(out, report)
}

/// A line for each of `figures` that any answer has: the means of `conditions`, and the
/// difference of `compared`.
fn figures(
    out: &mut dyn Write,
    figures: &[Figure],
    conditions: &[ConditionFigures],
    compared: Option<&ConditionFigures>,
) -> io::Result<()> {
    if !conditions.is_empty() {
        write!(out, "{:NAME$}", "")?;
        for condition in conditions {
            write!(
                out,
                "{:>width$}",
                head(&condition.name),
                width = width(condition)
            )?;
        }
        let title = compared.map_or("", |_| "difference (95 %)");
        writeln!(out, "{title:>DIFFERENCE$}")?;
    }
    for &figure in figures {
        let has = |of: &ConditionFigures| of.figures.contains_key(&figure);
        if !conditions.iter().chain(compared).any(has) {
            continue;
        }
        write!(out, "{:NAME$}", figure.label())?;
        for condition in conditions {
            let result = condition.figures.get(&figure);
            let mean = result.map_or("–".into(), |of| figure.value_text(of.estimate.mean));
            write!(out, "{mean:>width$}", width = width(condition))?;
        }
        let result = compared.and_then(|of| of.figures.get(&figure));
        write_difference(out, figure, result.and_then(|of| of.difference))?;
        writeln!(out)?;
    }
    Ok(())
}

/// The exact matches of each group. The baseline is that at the same holes.
fn by_group(out: &mut dyn Write, title: &str, groups: &[HoleGroup]) -> io::Result<()> {
    let figure = Figure::Exact;
    let bold = Style::new().bold();
    let Some(first) = groups.first() else {
        return Ok(());
    };
    for at in 1..first.conditions.len() {
        let name = &first.conditions[at].name;
        let baseline = &first.conditions[0].name;
        writeln!(
            out,
            "\n{bold}Exact match, {title}: {name} against {baseline}{bold:#}"
        )?;
        let heads = ["answers", "baseline", "mean"];
        write!(out, "{:NAME$}", "")?;
        for head in heads {
            write!(out, "{head:>MEAN$}")?;
        }
        writeln!(out, "{:>DIFFERENCE$}", "difference (95 %)")?;
        for group in groups {
            let condition = &group.conditions[at];
            let Some(result) = condition.figures.get(&figure) else {
                continue;
            };
            let baseline = result.difference.map(|of| figure.value_text(of.baseline));
            write!(
                out,
                "{:NAME$}{:>MEAN$}{:>MEAN$}{:>MEAN$}",
                shortened(&group.name),
                condition.answers,
                baseline.unwrap_or("–".into()),
                figure.value_text(result.estimate.mean)
            )?;
            write_difference(out, figure, result.difference)?;
            writeln!(out)?;
        }
    }
    Ok(())
}

/// What depends on the server's state and speed.
fn server(out: &mut dyn Write, report: &CompletionReport) -> io::Result<()> {
    let bold = Style::new().bold();
    writeln!(out, "\n{bold}The server; differs from run to run{bold:#}")?;
    let conditions = &report.server.conditions;
    let compared = (conditions.len() == 2).then(|| &conditions[1]);
    figures(out, Figure::varying(), conditions, compared)?;
    write!(out, "{:NAME$}", "whole answer, ms")?;
    for percentile in ["p50", "p95", "p99", "most"] {
        write!(out, "{percentile:>MEAN$}")?;
    }
    writeln!(out)?;
    for of in &report.server.times {
        write!(out, "{:NAME$}", format!("  {}", head(&of.name)))?;
        let spread = of.total_ms;
        for value in [spread.p50, spread.p95, spread.p99, spread.max] {
            write!(out, "{value:>MEAN$.0}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn notes(out: &mut dyn Write, report: &CompletionReport) -> io::Result<()> {
    let repetition = Figure::Repetition.value_text(report.middle_repetition);
    if report.conditions.len() < 2 {
        return writeln!(out, "\nThe true texts have a repetition of {repetition}.");
    }
    writeln!(
        out,
        "\nDifferences are taken at the same holes, in percentage points for shares. An interval\n\
         holds the true difference with a probability of 95 %; files are drawn, since holes of one\n\
         file are alike. A difference is seen if its interval does not hold 0 and {MIN_DIFFERING_FILES} files differ; one\n\
         line in twenty shows one where there is none. The true texts have a repetition of {repetition}."
    )
}

/// Writes a difference with its interval, and what it tells in words.
fn write_difference(
    out: &mut dyn Write,
    figure: Figure,
    difference: Option<PairedDifference>,
) -> io::Result<()> {
    let Some(difference) = difference else {
        return Ok(());
    };
    let text = format!(
        " {}{}",
        figure.difference_text(difference.estimate.mean),
        figure.difference_interval_text(&difference.estimate)
    );
    let style = match difference.words {
        "better" => AnsiColor::Green.on_default(),
        "worse" => AnsiColor::Red.on_default(),
        "more" | "fewer" => Style::new(),
        _ => Style::new().dimmed(),
    };
    write!(
        out,
        "{text:>DIFFERENCE$}  {style}{}{style:#}",
        difference.words
    )
}

/// The width of the column of a condition.
fn width(condition: &ConditionFigures) -> usize {
    MEAN.max(head(&condition.name).chars().count() + 2)
}

/// The name of a condition as it stands over a column.
fn head(name: &str) -> String {
    match name.chars().count() > HEAD {
        true => name.chars().take(HEAD - 1).chain(['…']).collect(),
        false => name.to_owned(),
    }
}

/// The end of a name that is too long for its column.
fn shortened(name: &str) -> String {
    let chars = name.chars().count();
    if chars < NAME {
        return name.to_owned();
    }
    let end = name.chars().skip(chars - NAME + 2);
    std::iter::once('…').chain(end).collect()
}
