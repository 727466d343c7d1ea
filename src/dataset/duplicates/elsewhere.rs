//! Finds short middles that some texts have, whatever is around them there. These give
//! nothing away: [`super::MiddleRule::InPlace`] says what does.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rustc_hash::FxHashMap;

use super::middles::{HoleTokens, MIDDLE_SHINGLE, ShingleFilter, StoredHole, TokenHashes};
use super::minhash;
use crate::dataset::words;

/// The tokens of short middles, to be looked for in many texts.
#[derive(Debug)]
pub struct ShortMiddles {
    /// The distinct rows of tokens.
    rows: Vec<Vec<u64>>,
    /// How many middles have each row.
    middles: Vec<usize>,
    /// Whether a text has the row.
    found: Vec<AtomicBool>,
    /// How many rows no text has so far.
    open: AtomicUsize,
    /// The numbers of the rows that begin with the same tokens, at most
    /// [`MIDDLE_SHINGLE`], by their shingle.
    by_start: FxHashMap<u64, Vec<usize>>,
    filter: ShingleFilter,
}

impl ShortMiddles {
    /// The middles of `holes`.
    #[must_use]
    pub fn new<'h>(holes: impl IntoIterator<Item = &'h StoredHole>) -> Self {
        let mut numbers: FxHashMap<Vec<u64>, usize> = FxHashMap::default();
        let (mut rows, mut middles) = (Vec::new(), Vec::new());
        for hole in holes {
            let row = HoleTokens::of(hole.text()).middle().to_vec();
            if row.is_empty() {
                continue;
            }
            let number = *numbers.entry(row.clone()).or_insert_with(|| {
                rows.push(row);
                middles.push(0);
                rows.len() - 1
            });
            middles[number] += 1;
        }
        let mut by_start: FxHashMap<u64, Vec<usize>> = FxHashMap::default();
        for (number, row) in rows.iter().enumerate() {
            let start = minhash::shingle(&row[..row.len().min(MIDDLE_SHINGLE)]);
            by_start.entry(start).or_default().push(number);
        }
        let filter = ShingleFilter::new(by_start.keys().copied());
        Self {
            found: rows.iter().map(|_| AtomicBool::new(false)).collect(),
            open: AtomicUsize::new(rows.len()),
            rows,
            middles,
            by_start,
            filter,
        }
    }

    /// Notes which middles `text` has.
    pub fn look(&self, text: &str) {
        let TokenHashes { hashes, shingles } = TokenHashes::of(text);
        self.search(&hashes, &shingles, &|_| true);
    }

    /// Gives the result of [`Self::look`] at each of `windows` of `text`, in bytes, but
    /// reads overlapping windows once.
    pub fn look_at_windows(&self, text: &str, windows: &[Range<usize>]) {
        // A window that begins or ends inside a word has a token that the whole text
        // does not have.
        let (whole, cut): (Vec<_>, Vec<_>) = windows.iter().partition(|window| {
            !words::is_in_word(text, window.start) && !words::is_in_word(text, window.end)
        });
        for window in cut {
            self.look(&text[window.clone()]);
        }
        let (TokenHashes { hashes, shingles }, starts) = TokenHashes::with_starts(text);
        let place = |at: usize| starts.partition_point(|start| *start < at);
        let whole: Vec<_> = whole
            .into_iter()
            .map(|window| place(window.start)..place(window.end))
            .collect();
        self.search(&hashes, &shingles, &|tokens| {
            let mut windows = whole.iter();
            windows.any(|window| window.start <= tokens.start && tokens.end <= window.end)
        });
    }

    /// Notes which rows stand in the tokens of a text. `is_shown` says whether tokens
    /// of it are shown together.
    fn search(&self, hashes: &[u64], shingles: &[u64], is_shown: &dyn Fn(Range<usize>) -> bool) {
        if self.open.load(Ordering::Relaxed) == 0 {
            return;
        }
        for at in 0..hashes.len() {
            for length in 1..=MIDDLE_SHINGLE.min(hashes.len() - at) {
                let start = match length {
                    MIDDLE_SHINGLE => shingles[at],
                    _ => minhash::shingle(&hashes[at..at + length]),
                };
                if !self.filter.may_hold(start) {
                    continue;
                }
                for row in self.by_start.get(&start).into_iter().flatten() {
                    let tokens = &self.rows[*row];
                    let is_new = !self.found[*row].load(Ordering::Relaxed)
                        && hashes[at..].starts_with(tokens)
                        && is_shown(at..at + tokens.len())
                        && !self.found[*row].swap(true, Ordering::Relaxed);
                    if is_new {
                        self.open.fetch_sub(1, Ordering::Relaxed);
                    }
                }
            }
        }
    }

    /// How many middles some text has.
    #[must_use]
    pub fn count(&self) -> usize {
        let found = self.found.iter().zip(&self.middles);
        let found = found.filter(|(found, _)| found.load(Ordering::Relaxed));
        found.map(|(_, middles)| middles).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::super::HoleText;
    use super::*;

    #[test]
    fn a_middle_counts_wherever_it_stands_with_the_whole_of_its_words() {
        let hole = |before, middle, after| {
            StoredHole::new(HoleText {
                before,
                middle,
                after,
            })
        };
        let holes = [
            hole("if (", "$a", ") {"),
            hole("x(", "$a", ");"),
            hole("$this->na", "me;", " }"),
            hole("", "return $this->name;", ""),
            hole("", ")", ""),
            hole("", " ", ""),
        ];
        let count = |texts: &[&str]| {
            let middles = ShortMiddles::new(&holes);
            texts.iter().for_each(|text| middles.look(text));
            middles.count()
        };
        assert_eq!(count(&[]), 0);
        assert_eq!(count(&["return $this;"]), 0);
        assert_eq!(count(&["$a = 1;"]), 2);
        assert_eq!(count(&["return  $this -> name;"]), 2);
        assert_eq!(count(&["time; rename;"]), 0);
        assert_eq!(count(&["f($a);", "return $this->name;"]), 5);
        let text = "f($a, $this->name);";
        let windowed = |windows: &[(usize, usize)]| {
            let middles = ShortMiddles::new(&holes);
            let windows = windows.iter().map(|(start, end)| *start..*end);
            middles.look_at_windows(text, &windows.collect::<Vec<_>>());
            middles.count()
        };
        assert_eq!(windowed(&[(0, text.len())]), 3);
        assert_eq!(windowed(&[(0, 4)]), 2);
        assert_eq!(windowed(&[(0, 3), (3, 4)]), 0);
        assert_eq!(windowed(&[(0, 3), (2, 17)]), 2);
        // The second window begins inside a word.
        assert_eq!(windowed(&[(8, 17), (13, 19)]), 1);
    }
}
