//! The plots of the page.

use maud::Markup;

use crate::eval::completion::figure::{Figure, Unit};
use crate::eval::completion::report::{CompletionReport, ConditionTimes, FigureResult, HoleGroup};
use crate::eval::completion::statistics::Estimate;
use crate::html::intervals::{CurvePlot, IntervalPlot, IntervalRow, Mark};
use crate::html::section;

/// The figures of quality: shares that should be high.
const QUALITY: [Figure; 8] = [
    Figure::Exact,
    Figure::FirstLine,
    Figure::AcceptedShare,
    Figure::EditSimilarity,
    Figure::IdentifiersExact,
    Figure::IdentifiersF1,
    Figure::NeededName,
    Figure::Parses,
];
/// The figures of faults: shares that should be low.
const FAULTS: [Figure; 3] = [Figure::Empty, Figure::Cut, Figure::Repetition];

/// The section with the plots.
pub(super) fn plots(report: &CompletionReport) -> Markup {
    let plots = Plots {
        names: report.conditions.iter().map(|of| of.name.clone()).collect(),
        points: format!("percentage points against {}", report.baseline()),
    };
    let figures = |figures: &[Figure]| -> Vec<RowOf<'_>> {
        let rows = figures.iter();
        rows.map(|&figure| (figure.label().to_owned(), &report.all, figure))
            .collect()
    };
    let mut cards = Vec::new();
    for (title, range, rows) in [
        ("Quality", 100.0, figures(&QUALITY)),
        ("Faults", 10.0, figures(&FAULTS)),
        (
            "Exact match, by kind of hole",
            100.0,
            by_group(&report.kinds),
        ),
        (
            "Exact match, by directory",
            100.0,
            by_group(&report.directories),
        ),
    ] {
        cards.push(plots.means(title, range, &rows));
        cards.extend(plots.differences(title, &rows));
    }
    // A condition and the baseline have different holes in these groups, so their means
    // do not compare.
    let title = "Exact match, by whether the context holds the needed name";
    cards.extend(plots.differences(title, &by_group(&report.needed_name)));
    let of_first: CurveOf = |of| &of.first_token_curve;
    cards.push(times(
        report,
        &plots.names,
        "Time to the first text",
        of_first,
    ));
    cards.push(times(
        report,
        &plots.names,
        "Time of the whole answer",
        |of| &of.total_curve,
    ));
    section("plots", "Plots", &cards)
}

/// A row of a plot: its name, and of which group it shows which figure.
type RowOf<'a> = (String, &'a HoleGroup, Figure);

/// The exact matches of each group.
fn by_group(groups: &[HoleGroup]) -> Vec<RowOf<'_>> {
    let rows = groups.iter();
    rows.map(|group| (group.name.clone(), group, Figure::Exact))
        .collect()
}

/// What all plots of estimates have in common.
struct Plots {
    /// The names of the conditions.
    names: Vec<String>,
    /// What the axis of a difference counts.
    points: String,
}

impl Plots {
    /// The means of all conditions.
    fn means(&self, title: &str, range: f64, rows: &[RowOf<'_>]) -> Markup {
        let axis = "% of the answers, with 95 % intervals";
        let plot = IntervalPlot {
            title,
            axis,
            range: (0.0, range),
            series: &self.names,
            rows: drawn(rows, means),
        };
        plot.svg()
    }

    /// The differences to the baseline; none if there are none.
    fn differences(&self, title: &str, rows: &[RowOf<'_>]) -> Option<Markup> {
        let rows = drawn(rows, differences);
        let plot = IntervalPlot {
            title: &format!("{title}: difference"),
            axis: &self.points,
            range: (-2.0, 2.0),
            series: &self.names,
            rows,
        };
        (!plot.rows.is_empty()).then(|| plot.svg())
    }
}

/// The rows that have a mark.
fn drawn(rows: &[RowOf<'_>], marks: MarksOf) -> Vec<IntervalRow> {
    let rows = rows.iter().map(|(name, group, figure)| IntervalRow {
        name: name.clone(),
        marks: marks(group, *figure),
    });
    rows.filter(|row| !row.marks.is_empty()).collect()
}

/// The marks of a figure of a group.
type MarksOf = fn(&HoleGroup, Figure) -> Vec<Mark>;

/// The mean of each condition.
fn means(group: &HoleGroup, figure: Figure) -> Vec<Mark> {
    marks(group, figure, |result| {
        let text = figure.value_text(result.estimate.mean);
        let interval = figure.interval_text(&result.estimate);
        Some((result.estimate, text + &interval))
    })
}

/// The difference of each condition to the baseline.
fn differences(group: &HoleGroup, figure: Figure) -> Vec<Mark> {
    marks(group, figure, |result| {
        let difference = result.difference?;
        let text = figure.difference_text(difference.estimate.mean);
        let interval = figure.difference_interval_text(&difference.estimate);
        Some((
            difference.estimate,
            format!("{text}{interval}, {}", difference.words),
        ))
    })
}

fn marks(
    group: &HoleGroup,
    figure: Figure,
    of: impl Fn(&FigureResult) -> Option<(Estimate, String)>,
) -> Vec<Mark> {
    let scale = match figure.unit() {
        Unit::Share => 100.0,
        _ => 1.0,
    };
    let conditions = group.conditions.iter().enumerate();
    let marks = conditions.filter_map(|(series, condition)| {
        let (estimate, text) = of(condition.figures.get(&figure)?)?;
        let interval = estimate.interval.filter(|interval| interval.has_width());
        Some(Mark {
            series,
            value: estimate.mean * scale,
            interval: interval.map(|of| (of.low * scale, of.high * scale)),
            text,
        })
    });
    marks.collect()
}

/// A curve of the times of a condition.
type CurveOf = fn(&ConditionTimes) -> &Vec<(f64, f64)>;

/// The share of answers that came within a time.
fn times(report: &CompletionReport, names: &[String], title: &str, curve: CurveOf) -> Markup {
    let curves: Vec<_> = report
        .server
        .times
        .iter()
        .map(|of| curve(of).clone())
        .collect();
    let within = |curve: &[(f64, f64)]| {
        let half = curve.iter().find(|(_, share)| *share >= 0.5);
        half.map_or(0.0, |(ms, _)| *ms)
    };
    let text = names
        .iter()
        .zip(&curves)
        .map(|(name, curve)| format!("{name}: half of the answers within {:.0} ms", within(curve)));
    let plot = CurvePlot {
        title,
        axis: "milliseconds; the share of answers that came in that time",
        series: names,
        text: text.collect::<Vec<_>>().join("; "),
        curves,
    };
    plot.svg()
}
