//! Plots as text: tables with bars, and histograms in SVG. All numbers are in
//! the text, too, so that no plot needs to be seen to be read.

/// The width of a histogram's plot, in the units of its drawing.
const WIDTH: usize = 300;
/// Its height.
const HEIGHT: usize = 90;

/// `text` so that HTML shows it as it is, in an element or an attribute.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// `count` with a comma between thousands.
pub(super) fn number(count: u64) -> String {
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

/// `part` of `whole` in percent, with a digit after the point; 0 of nothing.
pub(super) fn percent(part: u64, whole: u64) -> String {
    format!("{:.1} %", share(part, whole) * 100.0)
}

/// `part` of `whole`, from 0 to 1; counts are far below 2^52.
fn share(part: u64, whole: u64) -> f64 {
    match whole {
        0 => 0.0,
        _ => part as f64 / whole as f64,
    }
}

/// A row of a table with bars.
#[derive(Debug)]
pub(super) struct Bar {
    /// What is counted.
    pub(super) name: String,
    /// How many.
    pub(super) count: u64,
    /// Of how many.
    pub(super) of: u64,
}

/// A table of bars, each as long as its share; `heads` over its three columns.
pub(super) fn bars(title: &str, heads: [&str; 3], rows: &[Bar]) -> String {
    let heads = heads.map(|head| format!("<th scope=\"col\">{}</th>", escaped(head)));
    let rows = rows.iter().map(|Bar { name, count, of }| {
        format!(
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td class=\"bar\"><span style=\"width:{:.1}%\"></span></td></tr>\n",
            escaped(name),
            number(*count),
            percent(*count, *of),
            share(*count, *of) * 100.0,
        )
    });
    format!(
        "<table class=\"bars\"><caption>{}</caption><thead><tr>{}<td></td></tr></thead><tbody>\n{}</tbody></table>",
        escaped(title),
        heads.concat(),
        rows.collect::<String>()
    )
}

/// Counts of values in bins of equal width, of one or more series.
#[derive(Clone, Debug)]
pub(super) struct Histogram<const SERIES: usize> {
    bin: f64,
    counts: Vec<[u64; SERIES]>,
}

impl<const SERIES: usize> Histogram<SERIES> {
    /// `bins` bins from 0 to `most`; what is more falls into the last one.
    pub(super) fn new(bins: usize, most: f64) -> Self {
        Self {
            bin: most.max(1.0) / bins as f64,
            counts: vec![[0; SERIES]; bins],
        }
    }

    /// Counts `value`, which is not negative, in a series.
    pub(super) fn add(&mut self, series: usize, value: f64) {
        // What is too large for a number ends up in the last bin, too.
        let bin = (value / self.bin) as usize;
        let last = self.counts.len() - 1;
        self.counts[bin.min(last)][series] += 1;
    }

    /// The plot, each series in shares of itself, so that they can be compared.
    pub(super) fn svg(&self, title: &str, unit: &str, names: [&str; SERIES]) -> String {
        let totals: [u64; SERIES] =
            std::array::from_fn(|series| self.counts.iter().map(|bin| bin[series]).sum());
        let cells = || {
            let bins = self.counts.iter().enumerate();
            bins.flat_map(|(at, bin)| (0..SERIES).map(move |series| (at, series, bin[series])))
        };
        let highest = cells()
            .map(|(_, series, count)| share(count, totals[series]))
            .fold(0.0, f64::max);
        let slot = WIDTH as f64 / self.counts.len() as f64;
        let width = (slot - 1.0) / SERIES as f64;
        let bars = cells().filter(|(_, _, count)| *count > 0).map(|(at, series, count)| {
            let height = (share(count, totals[series]) / highest * HEIGHT as f64).max(0.5);
            let told = format!(
                "{}{}: {} ({})",
                self.range(at, unit),
                match names[series] {
                    "" => String::new(),
                    name => format!(", {name}"),
                },
                number(count),
                percent(count, totals[series]),
            );
            format!(
                "<rect class=\"series-{series}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"><title>{}</title></rect>\n",
                at as f64 * slot + series as f64 * width,
                HEIGHT as f64 - height,
                escaped(&told),
            )
        });
        let most = self.bin * self.counts.len() as f64;
        format!(
            "<figure><figcaption>{}</figcaption><svg viewBox=\"-2 -4 {} {}\" role=\"img\" aria-label=\"{}\">\n{}<line x1=\"0\" y1=\"{HEIGHT}\" x2=\"{WIDTH}\" y2=\"{HEIGHT}\"/><text x=\"0\" y=\"{y}\">0</text><text x=\"{}\" y=\"{y}\" text-anchor=\"middle\">{}</text><text x=\"{WIDTH}\" y=\"{y}\" text-anchor=\"end\">{} {}</text></svg></figure>",
            escaped(title),
            WIDTH + 4,
            HEIGHT + 22,
            escaped(&self.described(title, unit, names, totals)),
            bars.collect::<String>(),
            WIDTH / 2,
            rounded(most / 2.0),
            rounded(most),
            escaped(unit),
            y = HEIGHT + 14,
        )
    }

    /// What the bin number `at` holds.
    fn range(&self, at: usize, unit: &str) -> String {
        let from = rounded(self.bin * at as f64);
        if at + 1 == self.counts.len() {
            return format!("{from} {unit} or more");
        }
        format!("{from} to {} {unit}", rounded(self.bin * (at + 1) as f64))
    }

    /// What the plot shows, in words.
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

/// A bound of a bin: whole where it is large.
fn rounded(value: f64) -> String {
    if value >= 10.0 || value.fract() == 0.0 {
        // Bounds are far below 2^53 and not negative.
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
        let row = Bar {
            name: "</script><b onclick='x'>\"&".into(),
            count: 1234,
            of: 12340,
        };
        let table = bars("t", ["a", "b", "c"], &[row]);
        assert!(
            table.contains("&lt;/script&gt;&lt;b onclick=&#39;x&#39;&gt;&quot;&amp;"),
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
        let svg = histogram.svg("Lengths", "characters", [""]);
        assert_eq!(svg.matches("<rect").count(), 3);
        for expected in [
            "aria-label=\"Lengths: 6 examples, most (50.0 %) at 75 characters or more\"",
            "<title>25 to 50 characters: 1 (16.7 %)</title>",
        ] {
            assert!(svg.contains(expected), "{svg}");
        }
    }

    #[test]
    fn an_empty_histogram_has_no_bars() {
        let svg = Histogram::<2>::new(4, 0.0).svg("None", "lines", ["train", "val"]);
        assert!(!svg.contains("<rect") && !svg.contains("NaN"), "{svg}");
    }

    #[test]
    fn thousands_are_grouped() {
        let grouped = [0, 999, 1000, 1_234_567].map(number);
        assert_eq!(grouped, ["0", "999", "1,000", "1,234,567"]);
    }
}
