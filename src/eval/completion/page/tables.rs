//! The tables of the page, and how the run was made.

use maud::{Markup, html};

use super::PageAbout;
use crate::eval::completion::figure::Figure;
use crate::eval::completion::report::{
    CompletionReport, ConditionFigures, FigureResult, HoleGroup, PairedDifference,
};
use crate::eval::completion::statistics::MIN_DIFFERING_FILES;
use crate::html::charts::number;
use crate::html::{section, terms};

/// The section with tables of the figures, and how the run was made.
pub(super) fn tables(about: &PageAbout, report: &CompletionReport) -> Markup {
    let mut cards = vec![all_figures("All holes", &report.all.conditions)];
    for (title, groups) in [
        ("Exact match, by kind of hole", &report.kinds),
        ("Exact match, by directory", &report.directories),
    ] {
        if !groups.is_empty() {
            cards.push(by_group(title, groups));
        }
    }
    if !report.needed_name.is_empty() {
        cards.push(by_needed_name(report));
    }
    cards.push(all_figures(
        "The server: differs from run to run",
        &report.server.conditions,
    ));
    cards.push(percentiles(report));
    cards.push(html! {
        h3 { "How it was measured" }
        dl.figures { (terms(about.options.iter().map(|(name, value)| (name, value.clone())))) }
        p.note {
            "Intervals hold the true value with a probability of "
            (format!("{:.0}", report.level * 100.0)) " %. They come from " (number(report.draws as u64))
            " draws of files with replacement, since holes of one file are alike. Differences are"
            " taken at the same holes. One is seen if its interval does not hold 0 and at least "
            (MIN_DIFFERING_FILES) " files differ. Where nothing differs in truth, one line in"
            " twenty still shows a difference, so a single line is no proof. The texts that were cut out"
            " have a repetition of " (Figure::Repetition.value_text(report.middle_repetition)) "."
        }
    });
    section("tables", "Tables", &cards)
}

/// A table of all figures: the means of each condition, and the differences.
fn all_figures(title: &str, conditions: &[ConditionFigures]) -> Markup {
    let present = |figure: &Figure| {
        let mut conditions = conditions.iter();
        conditions.any(|condition| condition.figures.contains_key(figure))
    };
    html! {
        table.wide {
            caption { (title) }
            (heads("", conditions))
            tbody {
                @for figure in Figure::ALL.into_iter().filter(present) {
                    tr {
                        th scope="row" { (figure.label()) }
                        @for condition in conditions {
                            @let result = condition.figures.get(&figure);
                            td { (result.map_or(String::new(), |of| figure.value_text(of.estimate.mean))) }
                        }
                        (differences(figure, conditions))
                    }
                }
            }
        }
    }
}

/// A table of the exact matches of each group.
fn by_group(title: &str, groups: &[HoleGroup]) -> Markup {
    let figure = Figure::Exact;
    let conditions = &groups[0].conditions;
    html! {
        table.wide {
            caption { (title) }
            (heads("holes", conditions))
            tbody {
                @for group in groups {
                    tr {
                        th scope="row" { (group.name) }
                        td { (number(group.holes as u64)) }
                        @for condition in &group.conditions {
                            @let result = condition.figures.get(&figure);
                            td { (result.map_or(String::new(), |of| figure.value_text(of.estimate.mean))) }
                        }
                        (differences(figure, &group.conditions))
                    }
                }
            }
        }
    }
}

/// A table of the exact matches by whether the context of an answer holds the needed
/// name. The baseline is that at the same holes.
fn by_needed_name(report: &CompletionReport) -> Markup {
    let figure = Figure::Exact;
    let result = |of: &ConditionFigures| of.figures.get(&figure).copied();
    html! {
        table.wide {
            caption { "Exact match, by whether the context holds the needed name" }
            thead {
                tr {
                    td {}
                    @for head in ["context of", "answers", "exact", "baseline there", "difference"] {
                        th scope="col" { (head) }
                    }
                    td {}
                }
            }
            tbody {
                @for group in &report.needed_name {
                    @for condition in &group.conditions {
                        @if let Some(FigureResult { estimate, difference }) = result(condition) {
                            tr {
                                th scope="row" { (group.name) }
                                td { (condition.name) }
                                td { (number(condition.answers as u64)) }
                                td { (figure.value_text(estimate.mean)) }
                                @if let Some(difference) = difference {
                                    td { (figure.value_text(difference.baseline)) }
                                    (difference_cells(figure, &difference))
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A table of the spread of the times.
fn percentiles(report: &CompletionReport) -> Markup {
    let ms = |value: f64| format!("{value:.0}");
    html! {
        table.wide {
            caption { "Times in milliseconds: differ from run to run" }
            thead {
                tr {
                    td {}
                    @for what in ["first text", "whole answer"] {
                        @for percentile in ["p50", "p95", "p99", "most"] {
                            th scope="col" { (what) ", " (percentile) }
                        }
                    }
                }
            }
            tbody {
                @for of in &report.server.times {
                    tr {
                        th scope="row" { (of.name) }
                        @for of in [of.first_token_ms, of.total_ms] {
                            @for value in [of.p50, of.p95, of.p99, of.max] { td { (ms(value)) } }
                        }
                    }
                }
            }
        }
    }
}

/// The head of a table of conditions and differences. `count` stands over a column of
/// counts, if there is one.
fn heads(count: &str, conditions: &[ConditionFigures]) -> Markup {
    html! {
        thead {
            tr {
                td {}
                @if !count.is_empty() { th scope="col" { (count) } }
                @for condition in conditions { th scope="col" { (condition.name) } }
                @for condition in conditions.iter().skip(1) {
                    th scope="col" colspan="2" { (condition.name) " − " (conditions[0].name) }
                }
            }
        }
    }
}

/// The cells with the differences of `figure`.
fn differences(figure: Figure, conditions: &[ConditionFigures]) -> Markup {
    html! {
        @for condition in conditions.iter().skip(1) {
            @let difference = condition.figures.get(&figure).and_then(|of| of.difference);
            @if let Some(difference) = difference {
                (difference_cells(figure, &difference))
            } @else {
                td {} td {}
            }
        }
    }
}

/// A difference and its interval, and what that tells.
fn difference_cells(figure: Figure, difference: &PairedDifference) -> Markup {
    html! {
        td {
            (figure.difference_text(difference.estimate.mean))
            (figure.difference_interval_text(&difference.estimate))
        }
        td class={ "words " (difference.words) } { (difference.words) }
    }
}
