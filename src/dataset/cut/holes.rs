//! Proposes the holes of one file: some of each kind of the mix, of which a `Quota`
//! takes about one per 500 bytes.
//!
//! The cost of a proposal is bounded by the size of a hole, or logarithmic in the
//! size of the file. A file therefore takes time in proportion to its size.

mod code;
mod pools;

use std::collections::BTreeMap;
use std::ops::Range;

use rand::RngExt;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use self::pools::HolePools;
use crate::dataset::cut::quality;
use crate::dataset::options::Options;
use crate::dataset::record::SpanKind;
use crate::dataset::reject::{DUPLICATE_HOLE, HoleRejection};
use crate::php::spans::{self, SpanParser};

/// The bytes of source for which there is one hole on average.
const BYTES_PER_HOLE: f64 = 500.0;
/// How many holes of a kind a file proposes, as a multiple of those that the mix asks of
/// it. Files that have more of a kind than others make up for those.
const SURPLUS: f64 = 1.5;
/// The most draws for one hole.
const TRIES: usize = 12;
/// The most draws for another hole, if no name of the first one needs another file.
const NAME_TRIES: usize = 4;
/// The shortest node whose inside the parser copies, in bytes. The kinds that may be
/// shorter are drawn from tokens.
const LEAST_NODE: usize = 12;

/// A part of a file that is cut out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hole {
    /// The bytes of the file; both ends are character boundaries.
    pub range: Range<usize>,
    /// How it was chosen.
    pub kind: SpanKind,
    /// The name that the cut node declares or calls, else the name of the
    /// declaration around the hole. Empty if there is none.
    pub name: String,
}

/// The proposed holes of one file, and the rejected ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proposals {
    /// The holes, in the order in which those of a kind are taken.
    pub holes: Vec<Hole>,
    /// How many of them are wanted.
    pub wanted: usize,
    /// How many draws were rejected, by reason.
    pub rejected: BTreeMap<&'static str, u64>,
    /// The draws that the quality filter rejected, in the order of their
    /// starts. Empty unless [`Options::rejects`] asks for them.
    pub rejections: Vec<HoleRejection>,
}

/// Proposes holes of `text`. `parser` parses it unless [`Options::no_ast_fim`] is set.
/// `density` is how many holes are wanted, as a multiple of the usual number.
/// `needs_others` says whether names in a range need another file; such holes are
/// preferred.
#[must_use]
pub fn propose(
    text: &str,
    density: f64,
    options: &Options,
    parser: &mut SpanParser,
    needs_others: &dyn Fn(&Range<usize>) -> bool,
    rng: &mut ChaCha8Rng,
) -> Proposals {
    let expected = text.len() as f64 * density / BYTES_PER_HOLE;
    let wanted = expected as usize + usize::from(rng.random_bool(expected.fract()));
    if wanted == 0 {
        return Proposals::default();
    }
    let spans = match options.no_ast_fim {
        true => None,
        false => parser.parse(text, LEAST_NODE),
    };
    let mut chooser = HoleChooser {
        pools: HolePools::new(text, spans.as_ref(), options),
        needs_others,
        proposals: Proposals {
            wanted,
            ..Proposals::default()
        },
        by_start: BTreeMap::new(),
        rejections: BTreeMap::new(),
    };
    if spans.is_some() {
        for (kind, share) in options.mix.shares() {
            let some = (SURPLUS * share * wanted as f64).ceil() as usize + 1;
            chooser.fill(kind, some, rng);
        }
    } else {
        for _ in 0..wanted {
            let drawn = draw_kind(options, rng);
            let kinds = [drawn, SpanKind::Lines, SpanKind::Braces];
            if !kinds.into_iter().any(|kind| chooser.fill(kind, 1, rng)) {
                break;
            }
        }
    }
    chooser.proposals.holes.shuffle(rng);
    let rejections = chooser.rejections.into_iter();
    chooser.proposals.rejections = rejections
        .map(|((start, end), reason)| HoleRejection {
            range: start..end,
            reason,
        })
        .collect();
    chooser.proposals
}

/// Draws a kind by the mix.
fn draw_kind(options: &Options, rng: &mut ChaCha8Rng) -> SpanKind {
    let mut left: f64 = rng.random();
    let mut drawn = SpanKind::Lines;
    for (kind, share) in options.mix.shares() {
        drawn = kind;
        if left < share {
            break;
        }
        left -= share;
    }
    drawn
}

/// The state of a selection.
struct HoleChooser<'a> {
    pools: HolePools<'a>,
    needs_others: &'a dyn Fn(&Range<usize>) -> bool,
    proposals: Proposals,
    /// The proposals so far, by kind, start and end.
    by_start: BTreeMap<(SpanKind, usize, usize), ()>,
    /// See [`Proposals::rejections`], by start and end.
    rejections: BTreeMap<(usize, usize), &'static str>,
}

impl HoleChooser<'_> {
    /// Adds up to `count` holes of `kind`. Says whether it adds any.
    fn fill(&mut self, kind: SpanKind, count: usize, rng: &mut ChaCha8Rng) -> bool {
        let there = self.pools.count(kind);
        if there == 0 {
            return false;
        }
        for added in 0..count.min(there) {
            let Some(first) = self.draw(kind, TRIES, rng) else {
                return added > 0;
            };
            // Of two holes, the one whose names need another file.
            let range = match (self.needs_others)(&first) {
                true => first,
                false if there <= count => first,
                false => match self.draw(kind, NAME_TRIES, rng) {
                    Some(other) if (self.needs_others)(&other) => other,
                    _ => first,
                },
            };
            let name = self.pools.name(&range);
            self.by_start.insert((kind, range.start, range.end), ());
            self.proposals.holes.push(Hole { range, kind, name });
        }
        true
    }

    /// Draws a hole of `kind` in at most `tries` draws.
    fn draw(&mut self, kind: SpanKind, tries: usize, rng: &mut ChaCha8Rng) -> Option<Range<usize>> {
        for _ in 0..tries {
            let Some(range) = self.pools.propose(kind, rng) else {
                *self.proposals.rejected.entry("no_such_place").or_default() += 1;
                continue;
            };
            let Some(reason) = self.objection(kind, &range) else {
                return Some(range);
            };
            *self.proposals.rejected.entry(reason).or_default() += 1;
            if self.pools.options.rejects.is_some() && quality::REASONS.contains(&reason) {
                self.rejections.insert((range.start, range.end), reason);
            }
        }
        None
    }

    /// The reason to reject the proposal `range` of `kind`, if there is one.
    fn objection(&self, kind: SpanKind, range: &Range<usize>) -> Option<&'static str> {
        self.pools.objection(kind, range).or_else(|| {
            let (from, to) = starts_near(range);
            let near = self
                .by_start
                .range((kind, from, 0)..=(kind, to, usize::MAX));
            overlaps(near.map(|((_, start, end), ())| *start..*end), range)
                .then_some(DUPLICATE_HOLE)
        })
    }
}

/// The first and the last start of a range that shares more than half of the bytes of
/// both with `range`: the longer is then less than twice as long as the shorter.
pub(super) fn starts_near(range: &Range<usize>) -> (usize, usize) {
    let from = range.start.saturating_sub(2 * range.len());
    (from, range.start + range.len())
}

/// Whether one of `others` shares more than half of the bytes of both with `range`.
pub(super) fn overlaps(
    mut others: impl Iterator<Item = Range<usize>>,
    range: &Range<usize>,
) -> bool {
    others.any(|other| {
        let (shared, either) = spans::overlap(&other, range);
        2 * shared > either
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;

    use super::*;
    use crate::dataset::cut::quota::Quota;
    use crate::dataset::options::Dedup;
    use crate::php::spans::Spans;

    /// The holes that are taken of a file.
    struct Chosen {
        holes: Vec<Hole>,
    }

    fn chosen(text: &str, options: &Options) -> Chosen {
        let mut parser = SpanParser::new().unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let mut proposals = propose(text, 1.0, options, &mut parser, &|_| false, &mut rng);
        let mut quota = Quota::new(&options.mix, &mut rng);
        let holes = quota.take(text, &mut proposals, options.dedup != Dedup::Off, |_| true);
        Chosen { holes }
    }

    fn only(kind: SpanKind) -> Options {
        Options {
            mix: kind.name().parse().unwrap(),
            min_middle_chars: Some(8),
            ..Options::default()
        }
    }

    fn is_word(c: char) -> bool {
        c == '_' || c.is_alphanumeric()
    }

    /// Whether a middle of one line ends with the line, or with what it is part of.
    fn ends_well(middle: &str, after: &str) -> bool {
        !middle.contains('\n') && after.starts_with(['\n', ')', ']', '}', ',', ';', '\''])
    }

    /// A class that holds several holes of each kind.
    fn sample() -> String {
        let method = |n: usize| {
            format!(
                "    /** Gives the total of {n}, \u{e4}\u{f6}\u{1F600}. */\n    public function total{n}(array $lines): float\n    {{\n        // Add up.\n        foreach ($lines as $line) {{\n            $this->sum{n} += $line->price() * $line->quantity({n});\n        }}\n        return round($this->sum{n}, {n});\n    }}\n\n"
            )
        };
        let methods: String = (0..20).map(method).collect();
        format!("<?php\n\nnamespace Shop;\n\nclass Order\n{{\n{methods}}}\n")
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "one table of cases")]
    fn every_kind_cuts_what_it_says() {
        let text = sample();
        for (kind, is_right) in [
            (
                SpanKind::LineRest,
                (|before, _, after| {
                    let triggers = ["->", "::", "= ", "return ", "("];
                    triggers.iter().any(|t| before.ends_with(t)) && after.starts_with('\n')
                }) as fn(&str, &str, &str) -> bool,
            ),
            (SpanKind::Typing, |before, middle, after| {
                let triggers = ["->", "::", "(", "$", "'"];
                let is_behind = triggers.iter().any(|t| before.ends_with(t));
                let in_word = before.ends_with(is_word) && middle.starts_with(is_word);
                (is_behind || in_word) && ends_well(middle, after) && middle.len() <= 80
            }),
            (SpanKind::OneLine, |_, middle, after| {
                ends_well(middle, after) && middle.len() <= 80
            }),
            (SpanKind::StatementRest, |before, middle, _| {
                let in_word = before.ends_with(is_word) && middle.starts_with(is_word);
                middle.ends_with([';', '}']) && !in_word
            }),
            (SpanKind::Arguments, |before, _, after| {
                before.ends_with('(') && after.starts_with(')')
            }),
            (SpanKind::Block, |before, _, after| {
                before.trim_end().ends_with('{') && after.trim_start().starts_with('}')
            }),
            (SpanKind::MultiLine, |_, middle, _| middle.contains('\n')),
            (SpanKind::CharSpan, |_, middle, after| {
                !(middle.ends_with(is_word) && after.starts_with(is_word))
            }),
            (SpanKind::BracketContent, |before, _, after| {
                before.ends_with(['(', '{', '[']) && after.trim_start().starts_with([')', '}', ']'])
            }),
            (SpanKind::AfterComment, |before, _, _| {
                before.trim_end().ends_with("Add up.") || before.trim_end().ends_with("*/")
            }),
            (SpanKind::DocComment, |_, middle, after| {
                middle.starts_with("/**")
                    && middle.ends_with("*/")
                    && after.trim_start().starts_with("public function")
            }),
            (SpanKind::AstNode, |_, middle, _| {
                let ends = [';', '}', ')', '>', '"'];
                middle.ends_with(|c: char| ends.contains(&c) || c.is_alphanumeric())
            }),
            (SpanKind::AstAligned, |_, middle, _| {
                !middle.starts_with(char::is_whitespace) && !middle.ends_with(char::is_whitespace)
            }),
        ] {
            let chosen = chosen(&text, &only(kind));
            assert!(chosen.holes.len() > 3, "{kind:?}: {:?}", chosen.holes);
            for hole in chosen.holes {
                assert_eq!(hole.kind, kind);
                let Range { start, end } = hole.range;
                assert!(
                    is_right(&text[..start], &text[start..end], &text[end..]),
                    "{kind:?}: {:?}",
                    &text[start..end]
                );
            }
        }
    }

    #[test]
    fn a_whole_node_is_cut_in_a_file_with_non_ascii_text() {
        // The predecessor took byte offsets for character offsets.
        let text = format!(
            "<?php\n// {}\nfunction price(Order $order): int {{ return $order->total; }}\n",
            "\u{e4}\u{1F600}".repeat(400)
        );
        let mut options = only(SpanKind::AstNode);
        options.min_middle_chars = Some(40);
        let chosen = chosen(&text, &options);
        assert_eq!(chosen.holes.len(), 1, "{:?}", chosen.holes);
        let hole = &chosen.holes[0];
        assert_eq!(hole.name, "price");
        assert!(text[hole.range.clone()].starts_with("function price("));
        assert!(text[hole.range.clone()].ends_with('}'));
    }

    #[test]
    fn line_limits_hold_for_every_kind() {
        // The predecessor ignored --max-middle-lines for single nodes.
        let text = sample();
        for no_ast_fim in [true, false] {
            let options = Options {
                max_middle_lines: 2,
                no_ast_fim,
                ..Options::default()
            };
            let chosen = chosen(&text, &options);
            assert!(chosen.holes.len() > 5);
            for hole in chosen.holes {
                assert!(text[hole.range].lines().count() <= 2);
            }
        }
    }

    #[test]
    fn files_that_cannot_be_parsed_get_line_and_brace_spans() {
        let text =
            "<?php ) ) } class class ( ( $ $ = => -> {{{ if ($x) { return compute($y, $z) + 1; \n"
                .repeat(60);
        let seed = Options {
            mix: "seed".parse().unwrap(),
            ..Options::default()
        };
        let kinds: Vec<_> = chosen(&text, &seed)
            .holes
            .iter()
            .map(|hole| hole.kind)
            .collect();
        assert!(kinds.contains(&SpanKind::Lines), "{kinds:?}");
        assert!(!kinds.contains(&SpanKind::AstNode), "{kinds:?}");
    }

    #[test]
    fn an_array_of_8018_elements_costs_its_share() {
        // The predecessor tried all pairs of siblings, which took an hour here.
        let row = |n: usize| format!("    'key number {n}' => 'some value {n}',\n");
        let array = |rows: usize| {
            let rows: String = (0..rows).map(row).collect();
            format!("<?php\nreturn array(\n{rows});\n")
        };
        // A cost that is not linear would exceed the time limit of a test.
        for rows in [802, 8018] {
            let text = array(rows);
            let options = Options {
                dedup: Dedup::Off,
                ..only(SpanKind::AstAligned)
            };
            let holes = chosen(&text, &options).holes.len();
            assert!(holes * 1000 > text.len(), "{holes} holes of {rows} rows");
        }
    }

    #[test]
    fn no_hole_is_chosen_twice() {
        let text = sample();
        let holes = chosen(&text, &Options::default()).holes;
        for (at, hole) in holes.iter().enumerate() {
            for other in &holes[at + 1..] {
                let (shared, either) = spans::overlap(&hole.range, &other.range);
                assert!(2 * shared <= either, "{hole:?} {other:?}");
            }
        }
    }

    fn phpish() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("function f($a) { return $a->b(1, 2); }\n".to_owned()),
            Just("class \u{c4} { /** D\u{f6}c. */ function g() {} }\r\n".to_owned()),
            Just("// comment \u{1F600}\n$x = [1, 'two', \"thr{$ee}\"];\n".to_owned()),
            Just("?> <b>html</b> <?php ".to_owned()),
            Just("<<<EOT\n text $x\nEOT;\n".to_owned()),
            Just("{ ( [ ".to_owned()),
            Just(" ] ) }".to_owned()),
            Just("f('->g(' . h(\"= {$i->j(1)} \\\\\"), /* ( */ k(fn () => 1));\n".to_owned()),
            Just("#[A('(')] enum B { case C; function d(); }\n".to_owned()),
            Just("f(1, # a->b\n2); if (1): ?> = <i> <?php endif;\n".to_owned()),
            Just("g(1, /* a->b */ 2); h(<<<P\n a->b\nP);\n".to_owned()),
            Just("$l = `m->n`; $o[<<<'P'\nq->r\nP]; s(function () { t(); })(1); # ->\n".to_owned()),
            any::<String>(),
        ];
        prop::collection::vec(piece, 0..80).prop_map(|pieces| format!("<?php {}", pieces.concat()))
    }

    /// Everything that a selection of holes of `least` bytes or more reads from
    /// `spans`.
    fn answers(text: &str, spans: &Spans, least: usize) -> Vec<String> {
        let fits = |range: &Range<usize>| range.len() >= least;
        let mut answers = Vec::new();
        for node in spans.nodes().iter().filter(|node| fits(&node.span.range())) {
            let name = spans.name_of(node);
            let repeats = spans.repeats_parent(node);
            let (kind, broken) = (node.kind, node.broken);
            answers.push(format!(
                "{kind:?} {:?} {broken} {name:?} {repeats}",
                node.span
            ));
        }
        for of_kind in [&spans.brackets, &spans.after_comments, &spans.doc_comments] {
            let of_kind = of_kind.iter().map(|span| span.range()).filter(fits);
            answers.push(format!("{:?}", of_kind.collect::<Vec<_>>()));
        }
        for start in 0..(text.len() + 1).saturating_sub(least) {
            let range = start..start + least;
            let node = spans.innermost(range.clone()).unwrap();
            let (kind, name) = (node.kind, spans.name_of(node));
            answers.push(format!(
                "{kind:?} {:?} {name:?} {:?}",
                node.span,
                spans.aligned(range)
            ));
        }
        answers
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(150))]

        #[test]
        fn what_short_nodes_hold_changes_no_answer(
            text in prop_oneof![phpish(), Just(sample())],
            least in 1_usize..60,
        ) {
            let mut parser = SpanParser::new().unwrap();
            if let Some(all) = parser.parse(&text, 0) {
                let fewer = parser.parse(&text, least).unwrap();
                let [all, fewer] = [all, fewer].map(|spans| answers(&text, &spans, least));
                prop_assert_eq!(all, fewer);
            }
        }

        #[test]
        fn holes_of_any_text_lie_on_characters_and_keep_the_limits(
            text in prop_oneof![phpish(), any::<String>()],
            min in 1_usize..50,
            lines in 1_usize..6,
            total in 200_usize..2000,
            no_ast_fim: bool,
            quality_filter: bool,
            mix in prop::sample::select(vec!["completion", "seed", "blocks"]),
        ) {
            let options = Options {
                mix: mix.parse().unwrap(),
                min_middle_chars: Some(min),
                max_middle_lines: lines,
                max_total_chars: total,
                no_ast_fim,
                quality_filter,
                ..Options::default()
            };
            for hole in chosen(&text, &options).holes {
                let middle = text.get(hole.range).unwrap();
                let chars = middle.chars().count();
                prop_assert!(chars >= min && chars <= total / 4);
                prop_assert!(middle.lines().count() <= lines);
            }
        }
    }
}
