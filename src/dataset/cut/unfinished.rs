//! Buffers as they are while somebody types: the file without the hole, and without
//! what is not typed yet. Each state is a cut outside the hole, so the source and the
//! cut prove it.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::dataset::options::Options;
use crate::dataset::words::tokens;
use crate::php::lex::{self, Token, TokenKind};
use crate::secrets::Secret;
use crate::text::{line_end, line_start};

/// How far before and behind the hole a line may be half typed, in bytes.
const NEAR: [usize; 2] = [1200, 400];
/// The fewest characters that are missing, white space at the ends aside.
const LEAST: usize = 3;
/// The share of the buffers without an import, where one can be missing.
const WITHOUT_IMPORT: f64 = 0.5;

/// What is not typed yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BufferState {
    /// All behind the hole.
    EndOfFile,
    /// What stands between the hole and the end of the block around it.
    RestOfBody,
    /// That, and the bracket that closes the block.
    OpenBlock,
    /// The line behind the bracket or quote that an editor has closed.
    AutoClosed,
    /// The import of a name in the middle.
    ImportMissing,
    /// The rest of another line.
    HalfLine,
}

impl BufferState {
    const ALL: [Self; 6] = [
        Self::EndOfFile,
        Self::RestOfBody,
        Self::OpenBlock,
        Self::AutoClosed,
        Self::ImportMissing,
        Self::HalfLine,
    ];

    /// The name in records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::EndOfFile => "end_of_file",
            Self::RestOfBody => "rest_of_body",
            Self::OpenBlock => "open_block",
            Self::AutoClosed => "auto_closed",
            Self::ImportMissing => "import_missing",
            Self::HalfLine => "half_line",
        }
    }
}

/// A buffer in which something is not typed yet: `STATE START..END`, where the bytes from
/// START to END of the file are missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfinished {
    /// What is missing.
    pub state: BufferState,
    /// The bytes of the file that the buffer does not have, beside the hole.
    pub cut: Range<usize>,
}

impl fmt::Display for Unfinished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Range { start, end } = self.cut;
        write!(f, "{} {start}..{end}", self.state.name())
    }
}

impl FromStr for Unfinished {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (name, cut) = text.split_once(' ').ok_or(())?;
        let (start, end) = cut.split_once("..").ok_or(())?;
        let number = |text: &str| text.parse().map_err(|_| ());
        let mut states = BufferState::ALL.into_iter();
        Ok(Self {
            state: states.find(|state| state.name() == name).ok_or(())?,
            cut: number(start)?..number(end)?,
        })
    }
}

impl Unfinished {
    /// The buffer before and behind the cursor in `hole` of `text`. None if the cut is no
    /// part of the text outside the hole.
    #[must_use]
    pub fn around(&self, text: &str, hole: &Range<usize>) -> Option<[String; 2]> {
        let Range { start, end } = self.cut.clone();
        if end <= hole.start {
            let before = [text.get(..start)?, text.get(end..hole.start)?].concat();
            Some([before, text.get(hole.end..)?.to_owned()])
        } else if hole.end <= start {
            let after = [text.get(hole.end..start)?, text.get(end..)?].concat();
            Some([text.get(..hole.start)?.to_owned(), after])
        } else {
            None
        }
    }
}

/// The tokens of a file, from which its unfinished buffers are drawn.
#[derive(Debug)]
pub(in crate::dataset) struct BufferTokens<'a> {
    text: &'a str,
    tokens: Vec<Token>,
}

impl<'a> BufferTokens<'a> {
    /// Reads the tokens of a file with these `secrets`, if there are unfinished buffers of
    /// it: none with a secret, of which a cut might show half.
    pub(in crate::dataset) fn of_file(
        text: &'a str,
        secrets: &[Secret],
        options: &Options,
    ) -> Option<Self> {
        (options.unfinished > 0.0 && secrets.is_empty()).then(|| Self::new(text))
    }

    /// Reads the tokens of `text`.
    fn new(text: &'a str) -> Self {
        let mut tokens = lex::lex(text);
        tokens.retain(|token| token.kind != TokenKind::Html);
        Self { text, tokens }
    }

    /// Draws the state of the buffer around `hole` of the file `path`. None for the file
    /// as it is, which is drawn for the rest of the share that the options ask for, and
    /// where nothing can be missing.
    pub(in crate::dataset) fn draw(
        &self,
        path: &str,
        hole: &Range<usize>,
        options: &Options,
    ) -> Option<Unfinished> {
        let Range { start, end } = hole;
        let mut rng = options.rng(&format!("\0buffer {start} {end} {path}"));
        if !rng.random_bool(options.unfinished) {
            return None;
        }
        if let Some(cut) = self.import(hole)
            && rng.random_bool(WITHOUT_IMPORT)
        {
            let state = BufferState::ImportMissing;
            return Some(Unfinished { state, cut });
        }
        let mut states = self.behind(hole);
        states.extend(self.half_line(hole, &mut rng));
        states.retain(|state| {
            let missing = self.text[state.cut.clone()].trim().chars();
            missing.count() >= LEAST || state.state == BufferState::AutoClosed
        });
        if states.is_empty() {
            return None;
        }
        let drawn = rng.random_range(0..states.len());
        Some(states.swap_remove(drawn))
    }

    /// The states in which what stands behind `hole` is missing. They are real only if
    /// the middle is all that is typed next: it is a part of one line, and ends with the
    /// line or before a closed bracket.
    fn behind(&self, hole: &Range<usize>) -> Vec<Unfinished> {
        let text = self.text;
        if text[hole.clone()].contains('\n') {
            return Vec::new();
        }
        let line = line_end(text, hole.end);
        let rest = &text[hole.end..line];
        let mut states = Vec::new();
        let mut add = |state, cut| states.push(Unfinished { state, cut });
        if rest.trim().is_empty() {
            add(BufferState::EndOfFile, hole.end..text.len());
            if let Some(closing) = self.closing(hole.end) {
                let kept = text[..closing].trim_end().len();
                if hole.end < kept {
                    add(BufferState::RestOfBody, hole.end..kept);
                    add(BufferState::OpenBlock, hole.end..closing + 1);
                }
            }
        } else if rest.starts_with([')', ']', '}', '\'', '"'])
            && !text[hole.end + 1..line].trim().is_empty()
        {
            add(BufferState::AutoClosed, hole.end + 1..line);
        }
        states
    }

    /// The byte of the `}` that closes the block around byte `at`.
    fn closing(&self, at: usize) -> Option<usize> {
        let first = |token: &Token| (token.span.start as usize) < at;
        let first = self.tokens.partition_point(first);
        let mut depth = 0_usize;
        for token in &self.tokens[first..] {
            match token.kind {
                TokenKind::Punct(b'{') => depth += 1,
                TokenKind::Punct(b'}') if depth == 0 => return Some(token.span.start as usize),
                TokenKind::Punct(b'}') => depth -= 1,
                _ => {}
            }
        }
        None
    }

    /// The line of the import of a name that the middle alone uses.
    fn import(&self, hole: &Range<usize>) -> Option<Range<usize>> {
        let text = self.text;
        let middle = &text[hole.clone()];
        let imports = self.tokens.iter().filter(|token| {
            let start = token.span.start as usize;
            token.kind == TokenKind::Use && line_start(text, start) == start
        });
        for import in imports {
            let start = import.span.start as usize;
            let end = line_end(text, start);
            if end >= hole.start {
                return None;
            }
            let Some(path) = text[start..end].trim_end().strip_suffix(';') else {
                continue;
            };
            let name = path.rsplit(['\\', ' ']).next().unwrap_or_default();
            let uses = |part: &str| tokens(part).any(|word| word == name);
            if name.is_empty() || path.contains(['{', ',']) || !uses(middle) {
                continue;
            }
            if !uses(&text[end..hole.start]) && !uses(&text[hole.end..]) {
                return Some(start..end + 1);
            }
        }
        None
    }

    /// The rest of a line near `hole`, from a token on that is not its first.
    fn half_line(&self, hole: &Range<usize>, rng: &mut ChaCha8Rng) -> Option<Unfinished> {
        let text = self.text;
        let own = line_start(text, hole.start)..line_end(text, hole.end);
        let is_near = |token: &&Token| {
            let at = token.span.start as usize;
            let is_before = at < own.start && at + NEAR[0] > hole.start;
            let is_behind = at > own.end && at < hole.end + NEAR[1];
            is_before || is_behind
        };
        let first = |token: &Token| (token.span.start as usize) + NEAR[0] <= hole.start;
        let last = |token: &Token| (token.span.start as usize) < hole.end + NEAR[1];
        let near = self.tokens.partition_point(first)..self.tokens.partition_point(last);
        let near: Vec<_> = self.tokens[near].iter().filter(is_near).collect();
        if near.is_empty() {
            return None;
        }
        let token = near[rng.random_range(0..near.len())];
        let start = token.span.start as usize;
        let cut = start..line_end(text, start);
        let is_first = text[line_start(text, start)..start].trim().is_empty();
        let is_whole = token.span.end as usize <= cut.end;
        (!is_first && is_whole).then_some(Unfinished {
            state: BufferState::HalfLine,
            cut,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FILE: &str = "<?php\nuse App\\Order;\nuse App\\Tax;\n\nclass Shop\n{\n    public function f(Tax $tax)\n    {\n        $order = Order::find(1);\n        $sum = max(1, $order->total());\n        return $sum;\n    }\n\n    public function g(Tax $tax)\n    {\n        return 2;\n    }\n}\n";

    fn hole(middle: &str) -> Range<usize> {
        let start = FILE.find(middle).unwrap();
        start..start + middle.len()
    }

    /// The buffers that are drawn around the hole, `|` at the cursor, by their states.
    fn drawn(middle: &str) -> std::collections::BTreeMap<&'static str, String> {
        let hole = hole(middle);
        let tokens = BufferTokens::new(FILE);
        let of_seed = |seed| {
            let options = Options {
                unfinished: 1.0,
                seed,
                ..Options::default()
            };
            let unfinished = tokens.draw("a.php", &hole, &options)?;
            let [before, after] = unfinished.around(FILE, &hole).unwrap();
            Some((unfinished.state.name(), format!("{before}|{after}")))
        };
        (0..200).filter_map(of_seed).collect()
    }

    #[test]
    fn each_state_is_without_what_is_not_typed_yet() {
        let buffers = drawn("find(1);");
        let names: Vec<_> = buffers.keys().copied().collect();
        assert_eq!(
            names,
            ["end_of_file", "half_line", "open_block", "rest_of_body"]
        );
        assert!(buffers["end_of_file"].ends_with("Order::|"));
        assert!(buffers["rest_of_body"].contains("Order::|\n    }\n\n    public function g"));
        assert!(buffers["open_block"].contains("Order::|\n\n    public function g"));
        let buffers = drawn("Order::find(1)");
        assert!(buffers["import_missing"].starts_with("<?php\nuse App\\Tax;\n"));
        let buffers = drawn("1, $order->total()");
        assert!(buffers["auto_closed"].contains("max(|)\n        return"));
        // Several lines may go on to where the cut is.
        let buffers = drawn("$sum = max(1, $order->total());\n        return $sum;");
        assert_eq!(buffers.keys().copied().collect::<Vec<_>>(), ["half_line"]);
    }

    #[test]
    fn a_buffer_reads_as_it_is_written() {
        for state in BufferState::ALL {
            let unfinished = Unfinished { state, cut: 3..17 };
            assert_eq!(unfinished.to_string().parse(), Ok(unfinished));
        }
        for wrong in [
            "",
            "half_line",
            "half_line 3",
            "half 3..4",
            "half_line a..4",
        ] {
            assert_eq!(wrong.parse::<Unfinished>(), Err(()), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn a_cut_is_outside_the_hole(text in any::<String>(), a: prop::sample::Index, b: prop::sample::Index, seed: u64) {
            let text = format!("<?php\nuse A\\B;\n{text}; f({{ $a }}, [1]); }}\nB::c(1);\n");
            let at = |index: prop::sample::Index| text.floor_char_boundary(index.index(text.len() + 1));
            let hole = at(a).min(at(b))..at(a).max(at(b));
            let options = Options { unfinished: 1.0, seed, ..Options::default() };
            if let Some(unfinished) = BufferTokens::new(&text).draw("a.php", &hole, &options) {
                let [before, after] = unfinished.around(&text, &hole).unwrap();
                let missing = unfinished.cut.len() + hole.len();
                prop_assert_eq!(before.len() + after.len() + missing, text.len());
            }
        }
    }
}
