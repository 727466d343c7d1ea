//! Plots as markup: tables with bars, and histograms in SVG. The markup also
//! holds all numbers as text, so a reader does not need to see a plot.

use maud::{Markup, html};

/// The width of a histogram's plot, in SVG user units.
const WIDTH: usize = 300;
/// The height of a histogram's plot, in SVG user units.
const HEIGHT: usize = 90;

/// The width of the labels of the axis of a histogram, in SVG user units.
const MARGIN: usize = 40;

/// `count` with a comma between groups of three digits.
pub(crate) fn number(count: u64) -> String {
    let digits = count.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `part` of `whole` in percent, with one digit after the point; 0 if `whole` is 0.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    format!("{:.1} %", share(part, whole) * 100.0)
}

/// `part` of `whole`, from 0 to 1; 0 if `whole` is 0. Counts are far below 2^52, so
/// an `f64` holds them exactly.
fn share(part: u64, whole: u64) -> f64 {
    match whole {
        0 => 0.0,
        _ => part as f64 / whole as f64,
    }
}

/// A row of a table with bars.
#[derive(Debug)]
pub(crate) struct BarRow {
    /// The name of what the row counts.
    pub(crate) name: String,
    /// The count.
    pub(crate) count: u64,
    /// The total of which the count is a share.
    pub(crate) of: u64,
}

/// A table of bars, each as long as its share. `heads` stand over its first
/// three columns.
pub(crate) fn bars(title: &str, heads: [&str; 3], rows: &[BarRow]) -> Markup {
    html! {
        table.bars {
            caption { (title) }
            thead {
                tr {
                    @for head in heads { th scope="col" { (head) } }
                    td {}
                }
            }
            tbody {
                @for BarRow { name, count, of } in rows {
                    tr {
                        th scope="row" { (name) }
                        td { (number(*count)) }
                        td { (percent(*count, *of)) }
                        td.bar {
                            span style={ "width:" (tenths(share(*count, *of) * 100.0)) "%" } {}
                        }
                    }
                }
            }
        }
    }
}

/// Counts the values of one or more series in bins of equal width.
#[derive(Clone, Debug)]
pub(crate) struct Histogram<const SERIES: usize> {
    bin: f64,
    counts: Vec<[u64; SERIES]>,
}

impl<const SERIES: usize> Histogram<SERIES> {
    /// `bins` bins from 0 to `most`. The last bin also counts values above `most`.
    pub(crate) fn new(bins: usize, most: f64) -> Self {
        Self {
            bin: most.max(1.0) / bins as f64,
            counts: vec![[0; SERIES]; bins],
        }
    }

    /// Counts `value` in the series of this number. `value` is not negative.
    pub(crate) fn add(&mut self, series: usize, value: f64) {
        // The cast saturates, so the last bin counts values that are too large.
        let bin = (value / self.bin) as usize;
        let last = self.counts.len() - 1;
        self.counts[bin.min(last)][series] += 1;
    }

    /// The plot. Each series is drawn in shares of itself, so that series of
    /// different sizes can be compared.
    pub(crate) fn svg(&self, title: &str, unit: &str, names: [&str; SERIES]) -> Markup {
        let totals = self.totals();
        let most = self.bin * self.counts.len() as f64;
        let label_y = HEIGHT + 14;
        let highest = self
            .cells()
            .map(|(_, series, count)| share(count, totals[series]))
            .fold(0.0, f64::max);
        html! {
            figure {
                figcaption { (title) }
                svg viewBox={ "-" (MARGIN) " -8 " (WIDTH + MARGIN + 2) " " (HEIGHT + 26) }
                    role="img"
                    aria-label=(self.described(title, unit, names, totals))
                {
                    (axis(highest))
                    (self.rects(unit, names, totals, highest))
                    line x1="0" y1=(HEIGHT) x2=(WIDTH) y2=(HEIGHT) {}
                    text x="0" y=(label_y) { "0" }
                    text x=(WIDTH / 2) y=(label_y) text-anchor="middle" { (rounded(most / 2.0)) }
                    text x=(WIDTH) y=(label_y) text-anchor="end" { (rounded(most)) " " (unit) }
                }
            }
        }
    }

    /// The counts, with the number of their bin and of their series.
    fn cells(&self) -> impl Iterator<Item = (usize, usize, u64)> {
        let bins = self.counts.iter().enumerate();
        bins.flat_map(|(at, bin)| (0..SERIES).map(move |series| (at, series, bin[series])))
    }

    /// The bars of the plot: a rectangle for each bin of each series that holds
    /// any value. A bar of the share `highest` is as high as the plot.
    fn rects(
        &self,
        unit: &str,
        names: [&str; SERIES],
        totals: [u64; SERIES],
        highest: f64,
    ) -> Markup {
        let slot = WIDTH as f64 / self.counts.len() as f64;
        let width = (slot - 1.0) / SERIES as f64;
        html! {
            @for (at, series, count) in self.cells().filter(|(_, _, count)| *count > 0) {
                @let height = (share(count, totals[series]) / highest * HEIGHT as f64).max(0.5);
                @let x = at as f64 * slot + series as f64 * width;
                rect class={ "series-" (series) }
                    x=(tenths(x))
                    y=(tenths(HEIGHT as f64 - height))
                    width=(tenths(width))
                    height=(tenths(height))
                {
                    title {
                        (self.range(at, unit))
                        @if !names[series].is_empty() { ", " (names[series]) }
                        ": " (number(count)) " (" (percent(count, totals[series])) ")"
                    }
                }
            }
        }
    }

    /// How many values each series holds.
    fn totals(&self) -> [u64; SERIES] {
        std::array::from_fn(|series| self.counts.iter().map(|bin| bin[series]).sum())
    }

    /// The range of the bin with the index `at`, as text.
    fn range(&self, at: usize, unit: &str) -> String {
        let from = rounded(self.bin * at as f64);
        if at + 1 == self.counts.len() {
            return format!("{from} {unit} or more");
        }
        format!("{from} to {} {unit}", rounded(self.bin * (at + 1) as f64))
    }

    /// A description of the plot in words.
    fn described(
        &self,
        title: &str,
        unit: &str,
        names: [&str; SERIES],
        totals: [u64; SERIES],
    ) -> String {
        let series = (0..SERIES).filter_map(|series| {
            let bins = self.counts.iter().map(|bin| bin[series]).enumerate();
            let (fullest, count) = bins.max_by_key(|(at, count)| (*count, usize::MAX - at))?;
            Some(format!(
                "{}{} examples, most ({}) at {}",
                match names[series] {
                    "" => String::new(),
                    name => format!("{name}: "),
                },
                number(totals[series]),
                percent(count, totals[series]),
                self.range(fullest, unit)
            ))
        });
        format!("{title}: {}", series.collect::<Vec<_>>().join("; "))
    }
}

/// The vertical axis of a plot whose highest bar is the share `highest`: labels and
/// lines at none, half and all of it.
fn axis(highest: f64) -> Markup {
    html! {
        @for (of, y) in [(0.0, HEIGHT), (0.5, HEIGHT / 2), (1.0, 0)] {
            @if of > 0.0 { line.grid x1="0" y1=(y) x2=(WIDTH) y2=(y) {} }
            text x="-4" y=(y + 4) text-anchor="end" { (tenths(highest * of * 100.0)) " %" }
        }
    }
}

/// A coordinate of the drawing, with one digit after the point.
pub(super) fn tenths(value: f64) -> String {
    format!("{value:.1}")
}

/// A bound of a bin as text; large bounds are whole numbers.
fn rounded(value: f64) -> String {
    if value >= 10.0 || value.fract() == 0.0 {
        // A bound is far below 2^53 and not negative.
        number(value.round() as u64)
    } else {
        format!("{value:.1}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_their_place() {
        let row = BarRow {
            name: "</script><b onclick='x'>\"&".into(),
            count: 1234,
            of: 12340,
        };
        let table = bars("t", ["a", "b", "c"], &[row]).into_string();
        assert!(
            table.contains("&lt;/script&gt;&lt;b onclick='x'&gt;&quot;&amp;"),
            "{table}"
        );
        assert!(table.contains("<td>1,234</td><td>10.0 %</td>"), "{table}");
        assert!(table.contains("width:10.0%"), "{table}");
    }

    #[test]
    fn values_fall_into_their_bins_and_the_last_takes_the_rest() {
        let mut histogram = Histogram::<1>::new(4, 100.0);
        for value in [0.0, 24.9, 25.0, 99.0, 100.0, 1e30] {
            histogram.add(0, value);
        }
        assert_eq!(histogram.counts, [[2], [1], [0], [3]]);
        let svg = histogram.svg("Lengths", "characters", [""]).into_string();
        assert_eq!(svg.matches("<rect").count(), 3);
        for expected in [
            "aria-label=\"Lengths: 6 examples, most (50.0 %) at 75 characters or more\"",
            "<title>25 to 50 characters: 1 (16.7 %)</title>",
            "text-anchor=\"end\">50.0 %</text>",
            "text-anchor=\"end\">25.0 %</text>",
        ] {
            assert!(svg.contains(expected), "{svg}");
        }
    }

    #[test]
    fn an_empty_histogram_has_no_bars() {
        let empty = Histogram::<2>::new(4, 0.0);
        let svg = empty.svg("None", "lines", ["train", "val"]).into_string();
        assert!(!svg.contains("<rect") && !svg.contains("NaN"), "{svg}");
    }

    #[test]
    fn thousands_are_grouped() {
        let grouped = [0, 999, 1000, 1_234_567].map(number);
        assert_eq!(grouped, ["0", "999", "1,000", "1,234,567"]);
    }
}
