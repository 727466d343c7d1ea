//! Plots of estimates as SVG: a row for each figure or group, in it a mark for each
//! series with its interval; and curves of shares. All numbers stand in the markup as
//! text, too.

use maud::{Markup, html};

use super::charts::{number, tenths};

/// The width of the plot, without the names of the rows, in SVG user units.
const WIDTH: f64 = 300.0;
/// The width of the names of the rows.
const NAMES: f64 = 150.0;
/// The space right of the plot: half a label of the axis.
const MARGIN: f64 = 22.0;
/// The height that each mark of a row takes, and the space around them.
const MARK: f64 = 11.0;
const ROW_GAP: f64 = 9.0;
/// The height of the axis below the rows.
const AXIS: f64 = 34.0;
/// The most characters of a row's name.
const MAX_NAME: usize = 26;
/// The colours and shapes of series; further ones begin again.
const SERIES: usize = 6;
/// The height of a plot of curves.
const CURVE_HEIGHT: f64 = 130.0;

/// A plot of estimates.
pub(crate) struct IntervalPlot<'a> {
    /// Its title.
    pub(crate) title: &'a str,
    /// What its axis counts: `%`.
    pub(crate) axis: &'a str,
    /// Values that the axis shows in any case.
    pub(crate) range: (f64, f64),
    /// The names of the series: their indices are those of the marks.
    pub(crate) series: &'a [String],
    /// The rows from the top.
    pub(crate) rows: Vec<IntervalRow>,
}

/// A row of a plot.
pub(crate) struct IntervalRow {
    /// Its name.
    pub(crate) name: String,
    /// Its marks from the top.
    pub(crate) marks: Vec<Mark>,
}

/// An estimate in a plot.
pub(crate) struct Mark {
    /// The index of its series.
    pub(crate) series: usize,
    /// Where it stands.
    pub(crate) value: f64,
    /// The bounds of its interval, if it has one.
    pub(crate) interval: Option<(f64, f64)>,
    /// What it says, as text.
    pub(crate) text: String,
}

/// An axis from `low` to `high` with labels at each `step`.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Axis {
    low: f64,
    high: f64,
    step: f64,
}

impl Axis {
    /// An axis with round labels that shows all of `values`.
    fn new(values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = values
            .filter(|value| value.is_finite())
            .fold((0.0_f64, 0.0_f64), |(low, high), value| {
                (low.min(value), high.max(value))
            });
        let span = if high > low { high - low } else { 1.0 };
        let power = 10_f64.powf((span / 6.0).log10().floor());
        let steps = [1.0, 2.0, 5.0, 10.0].map(|times| times * power);
        let step = steps.into_iter().find(|step| span / step <= 6.0);
        let step = step.unwrap_or(span);
        Self {
            low: (low / step).floor() * step,
            high: (high / step).ceil().max((low / step).floor() + 1.0) * step,
            step,
        }
    }

    fn x(self, value: f64) -> f64 {
        (value.clamp(self.low, self.high) - self.low) / (self.high - self.low) * WIDTH
    }

    fn labels(self) -> impl Iterator<Item = f64> {
        let steps = ((self.high - self.low) / self.step).round() as usize;
        (0..=steps).map(move |at| self.low + at as f64 * self.step)
    }

    /// A label as text, with as many digits as the step needs.
    fn text(self, value: f64) -> String {
        let digits = (-self.step.log10().floor()).max(0.0) as usize;
        if digits == 0 && value.abs() >= 1000.0 {
            let sign = if value < 0.0 { "-" } else { "" };
            return format!("{sign}{}", number(value.abs().round() as u64));
        }
        // A value that is 0 but for rounding has no sign.
        let text = format!("{value:.digits$}");
        match text.bytes().any(|byte| matches!(byte, b'1'..=b'9')) {
            true => text,
            false => text.trim_start_matches('-').to_owned(),
        }
    }

    /// The lines and labels of the axis below a plot of this height.
    fn draw(self, height: f64, unit: &str) -> Markup {
        html! {
            @for label in self.labels() {
                @let x = tenths(self.x(label));
                line.grid x1=(x) y1="0" x2=(x) y2=(tenths(height)) {}
                text x=(x) y=(tenths(height + 14.0)) text-anchor="middle" { (self.text(label)) }
            }
            @if self.low < 0.0 {
                @let x = tenths(self.x(0.0));
                line.zero x1=(x) y1="0" x2=(x) y2=(tenths(height)) {}
            }
            text x=(tenths(WIDTH / 2.0)) y=(tenths(height + 29.0)) text-anchor="middle" { (unit) }
        }
    }
}

impl IntervalPlot<'_> {
    /// The plot.
    pub(crate) fn svg(&self) -> Markup {
        let ends = |mark: &Mark| {
            let (low, high) = mark.interval.unwrap_or((mark.value, mark.value));
            [low, high, mark.value]
        };
        let marks = self.rows.iter().flat_map(|row| &row.marks);
        let range = [self.range.0, self.range.1];
        let axis = Axis::new(marks.flat_map(ends).chain(range));
        let heights = self.rows.iter().map(IntervalRow::height);
        let height: f64 = heights.sum();
        let width = NAMES + WIDTH + MARGIN;
        let mut top = 0.0;
        let tops = self.rows.iter().map(|row| {
            let at = top;
            top += row.height();
            at
        });
        html! {
            figure {
                figcaption { (self.title) }
                (keys(self.series, self.rows.iter().flat_map(|row| &row.marks).map(|mark| mark.series)))
                svg viewBox={ "-" (NAMES) " -4 " (width) " " (tenths(height + AXIS + 4.0)) }
                    role="img"
                    aria-label=(self.described())
                {
                    (axis.draw(height, self.axis))
                    @for (row, top) in self.rows.iter().zip(tops) { (row.draw(top, axis, self.series)) }
                }
            }
        }
    }

    fn described(&self) -> String {
        let rows = self.rows.iter().map(|row| {
            let marks = row.marks.iter().map(|mark| {
                let series = self.series.get(mark.series).map_or("", String::as_str);
                format!("{series} {}", mark.text)
            });
            format!("{}: {}", row.name, marks.collect::<Vec<_>>().join(", "))
        });
        format!("{}. {}", self.title, rows.collect::<Vec<_>>().join("; "))
    }
}

impl IntervalRow {
    fn height(&self) -> f64 {
        self.marks.len().max(1) as f64 * MARK + ROW_GAP
    }

    fn draw(&self, top: f64, axis: Axis, series: &[String]) -> Markup {
        let middle = top + self.height() / 2.0;
        html! {
            text.row x="-8" y=(tenths(middle + 4.0)) text-anchor="end" {
                title { (self.name) }
                (shortened(&self.name))
            }
            @for (at, mark) in self.marks.iter().enumerate() {
                @let y = top + ROW_GAP / 2.0 + (at as f64 + 0.5) * MARK;
                g class={ "series-" (mark.series % SERIES) } {
                    title {
                        (self.name) ", " (series.get(mark.series).map_or("", String::as_str))
                        ": " (mark.text)
                    }
                    @if let Some((low, high)) = mark.interval {
                        line.whisker x1=(tenths(axis.x(low))) y1=(tenths(y))
                            x2=(tenths(axis.x(high))) y2=(tenths(y)) {}
                    }
                    path d=(shape(mark.series, axis.x(mark.value), y)) {}
                }
            }
        }
    }
}

/// A plot of curves: for each series, points from left to right, each with its share from
/// 0 to 1.
pub(crate) struct CurvePlot<'a> {
    /// Its title.
    pub(crate) title: &'a str,
    /// What its axis counts.
    pub(crate) axis: &'a str,
    /// The names of the series.
    pub(crate) series: &'a [String],
    /// The points of each series.
    pub(crate) curves: Vec<Vec<(f64, f64)>>,
    /// What the curves say, as text.
    pub(crate) text: String,
}

impl CurvePlot<'_> {
    /// The plot.
    pub(crate) fn svg(&self) -> Markup {
        let values = self.curves.iter().flatten().map(|(value, _)| *value);
        let axis = Axis::new(values);
        let y = |share: f64| CURVE_HEIGHT * (1.0 - share);
        let drawn = (0..self.curves.len()).filter(|at| !self.curves[*at].is_empty());
        let path = |curve: &[(f64, f64)]| {
            let points = curve.iter().enumerate().map(|(at, (value, share))| {
                let letter = if at == 0 { 'M' } else { 'L' };
                format!("{letter}{} {}", tenths(axis.x(*value)), tenths(y(*share)))
            });
            points.collect::<String>()
        };
        html! {
            figure {
                figcaption { (self.title) }
                (keys(self.series, drawn.clone()))
                svg viewBox={ "-40 -8 " (WIDTH + 40.0 + MARGIN) " " (CURVE_HEIGHT + AXIS + 8.0) }
                    role="img"
                    aria-label={ (self.title) ". " (self.text) }
                {
                    (axis.draw(CURVE_HEIGHT, self.axis))
                    @for share in [0.0, 0.5, 1.0] {
                        line.grid x1="0" y1=(tenths(y(share))) x2=(WIDTH) y2=(tenths(y(share))) {}
                        text x="-4" y=(tenths(y(share) + 4.0)) text-anchor="end" { (share * 100.0) " %" }
                    }
                    @for at in drawn {
                        g class={ "series-" (at % SERIES) } {
                            title { (self.series.get(at).map_or("", String::as_str)) }
                            path.curve d=(path(&self.curves[at])) {}
                        }
                    }
                }
            }
        }
    }
}

/// The names of the series that a plot shows, each with its colour and shape.
fn keys(series: &[String], shown: impl Iterator<Item = usize>) -> Markup {
    let shown: std::collections::BTreeSet<usize> = shown.collect();
    html! {
        p.keys {
            @for at in shown {
                span {
                    svg class={ "shape series-" (at % SERIES) } viewBox="-6 -6 12 12" aria-hidden="true" {
                        path d=(shape(at, 0.0, 0.0)) {}
                    }
                    (series.get(at).map_or("", String::as_str))
                }
            }
        }
    }
}

/// The outline of a mark at this place. Series differ in shape, so that they can be told
/// apart without colours.
fn shape(series: usize, x: f64, y: f64) -> String {
    let points: &[(f64, f64)] = match series % SERIES {
        0 => {
            let (left, y) = (tenths(x - 4.0), tenths(y));
            return format!("M{left} {y}a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z");
        }
        1 => &[(-3.5, -3.5), (3.5, -3.5), (3.5, 3.5), (-3.5, 3.5)],
        2 => &[(0.0, -5.0), (5.0, 0.0), (0.0, 5.0), (-5.0, 0.0)],
        3 => &[(0.0, -4.5), (4.7, 3.5), (-4.7, 3.5)],
        4 => &[(0.0, 4.5), (4.7, -3.5), (-4.7, -3.5)],
        _ => &[(-4.5, 0.0), (3.5, -4.7), (3.5, 4.7)],
    };
    let mut path = String::new();
    for (at, (right, down)) in points.iter().enumerate() {
        let letter = if at == 0 { 'M' } else { 'L' };
        path += &format!("{letter}{} {}", tenths(x + right), tenths(y + down));
    }
    path + "z"
}

/// The end of a long name, which tells more than its start: `…Repository/Doctrine`.
fn shortened(name: &str) -> String {
    let chars = name.chars().count();
    if chars <= MAX_NAME {
        return name.to_owned();
    }
    let end: String = name.chars().skip(chars - MAX_NAME + 1).collect();
    format!("…{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(values: &[f64]) -> (Vec<String>, Axis) {
        let axis = Axis::new(values.iter().copied());
        let labels = axis.labels().map(|label| axis.text(label)).collect();
        (labels, axis)
    }

    #[test]
    fn labels_are_round_and_hold_all_values() {
        assert_eq!(axis(&[0.0, 100.0]).0, ["0", "20", "40", "60", "80", "100"]);
        assert_eq!(axis(&[-3.1, 11.0]).0, ["-5", "0", "5", "10", "15"]);
        assert_eq!(axis(&[0.02, 0.31]).0, ["0.0", "0.1", "0.2", "0.3", "0.4"]);
        assert_eq!(axis(&[5200.0]).0.last().unwrap(), "6,000");
        for values in [&[][..], &[0.0], &[f64::NAN], &[-7.0, -2.0], &[1e-9], &[1e9]] {
            let (labels, axis) = axis(values);
            assert!((2..=8).contains(&labels.len()), "{values:?}: {labels:?}");
            for value in values.iter().filter(|value| !value.is_nan()) {
                assert!(
                    axis.low <= *value && *value <= axis.high,
                    "{value} in {axis:?}"
                );
            }
        }
    }

    #[test]
    fn a_plot_says_in_words_what_it_shows() {
        let series = ["a".to_owned(), "<b>".to_owned()];
        let mark = |series, value, interval| Mark {
            series,
            value,
            interval,
            text: format!("{value} %"),
        };
        let plot = IntervalPlot {
            title: "Right",
            axis: "%",
            range: (0.0, 100.0),
            series: &series,
            rows: vec![IntervalRow {
                name: "src/Some/Very/Long/Name/Of/A/Folder".into(),
                marks: vec![mark(0, 20.0, None), mark(1, 40.0, Some((30.0, 50.0)))],
            }],
        };
        let svg = plot.svg().into_string();
        for expected in [
            "aria-label=\"Right. src/Some/Very/Long/Name/Of/A/Folder: a 20 %, &lt;b&gt; 40 %\"",
            "…ery/Long/Name/Of/A/Folder<",
            "<line class=\"whisker\" x1=\"90.0\" y1=\"21.0\" x2=\"150.0\" y2=\"21.0\">",
            "&lt;b&gt;: 40 %",
        ] {
            assert!(svg.contains(expected), "{expected} in {svg}");
        }
        assert_eq!(svg.matches("whisker").count(), 1);
        assert!(!svg.contains("NaN"));
    }

    #[test]
    fn a_curve_goes_up_from_left_to_right() {
        let plot = CurvePlot {
            title: "Times",
            axis: "ms",
            series: &["a".to_owned()],
            curves: vec![vec![(0.0, 0.0), (50.0, 0.5), (100.0, 1.0)]],
            text: "a: 50 ms".into(),
        };
        let svg = plot.svg().into_string();
        assert!(
            svg.contains("d=\"M0.0 130.0L150.0 65.0L300.0 0.0\""),
            "{svg}"
        );
    }
}
