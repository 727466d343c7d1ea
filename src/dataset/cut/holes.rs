//! Chooses the holes of one file. It draws proposals from `pools` until there is
//! about one hole per 500 bytes.
//!
//! The cost of a proposal is bounded by the size of a hole, or logarithmic in the
//! size of the file. A file therefore takes time in proportion to its size.

mod category;
mod pools;

use std::collections::BTreeMap;
use std::ops::Range;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use self::category::HoleCategory;
use self::pools::HolePools;
use crate::dataset::cut::quality;
use crate::dataset::options::Options;
use crate::dataset::record::SpanKind;
use crate::dataset::reject::HoleRejection;
use crate::php::spans::{self, SpanParser};

/// The bytes of source for which there is one hole on average.
const BYTES_PER_HOLE: usize = 500;
/// The most proposals of one category for one hole.
const TRIES: usize = 12;

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

/// The holes of one file, and the rejected proposals.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HoleSelection {
    /// The holes, in the order of their starts.
    pub holes: Vec<Hole>,
    /// How many proposals were rejected, by reason.
    pub rejected: BTreeMap<&'static str, u64>,
    /// The proposals that the quality filter rejected, in the order of their
    /// starts. Empty unless [`Options::rejects`] asks for them.
    pub rejections: Vec<HoleRejection>,
}

/// Chooses the holes of `text`. `parser` parses it unless
/// [`Options::no_ast_fim`] is set.
#[must_use]
pub fn choose(
    text: &str,
    options: &Options,
    parser: &mut SpanParser,
    rng: &mut ChaCha8Rng,
) -> HoleSelection {
    let mut wanted = text.len() / BYTES_PER_HOLE;
    wanted += usize::from(rng.random_range(0..BYTES_PER_HOLE) < text.len() % BYTES_PER_HOLE);
    let spans = match options.no_ast_fim {
        true => None,
        false => parser.parse(text, options.min_middle_chars),
    };
    let pools = HolePools::new(text, spans.as_ref(), options);
    let mut chooser = HoleChooser {
        pools,
        by_start: BTreeMap::new(),
        rejected: BTreeMap::new(),
        rejections: BTreeMap::new(),
    };
    for _ in 0..wanted {
        let first = draw_category(rng);
        let others = HoleCategory::ALL
            .into_iter()
            .filter(|other| *other != first);
        if !std::iter::once(first)
            .chain(others)
            .any(|category| chooser.fill(category, rng))
        {
            break;
        }
    }
    HoleSelection {
        holes: chooser.by_start.into_values().collect(),
        rejected: chooser.rejected,
        rejections: chooser
            .rejections
            .into_iter()
            .map(|((start, end), reason)| HoleRejection {
                range: start..end,
                reason,
            })
            .collect(),
    }
}

/// Draws a category by its target share.
fn draw_category(rng: &mut ChaCha8Rng) -> HoleCategory {
    let mut left = rng.random_range(0..100);
    for category in HoleCategory::ALL {
        if left < category.percent() {
            return category;
        }
        left -= category.percent();
    }
    HoleCategory::Characters
}

/// The state of a selection.
struct HoleChooser<'a> {
    pools: HolePools<'a>,
    /// The holes so far, by start and end.
    by_start: BTreeMap<(usize, usize), Hole>,
    /// See [`HoleSelection::rejected`].
    rejected: BTreeMap<&'static str, u64>,
    /// See [`HoleSelection::rejections`], by start and end.
    rejections: BTreeMap<(usize, usize), &'static str>,
}

impl HoleChooser<'_> {
    /// Adds one hole of `category` if one of [`TRIES`] proposals is good.
    fn fill(&mut self, category: HoleCategory, rng: &mut ChaCha8Rng) -> bool {
        let kinds: Vec<_> = self.pools.kinds(category).collect();
        if kinds.is_empty() {
            return false;
        }
        for _ in 0..TRIES {
            let kind = kinds[rng.random_range(0..kinds.len())];
            let Some(range) = self.pools.propose(kind, rng) else {
                *self.rejected.entry("no_aligned_run").or_default() += 1;
                continue;
            };
            match self.objection(&range) {
                Some(reason) => {
                    *self.rejected.entry(reason).or_default() += 1;
                    if self.pools.options.rejects.is_some() && quality::REASONS.contains(&reason) {
                        self.rejections.insert((range.start, range.end), reason);
                    }
                }
                None => {
                    let name = self.pools.name(&range);
                    let key = (range.start, range.end);
                    self.by_start.insert(key, Hole { range, kind, name });
                    return true;
                }
            }
        }
        false
    }

    /// The reason to reject the proposal `range`, if there is one.
    fn objection(&self, range: &Range<usize>) -> Option<&'static str> {
        self.pools.objection(range).or_else(|| {
            // If two holes share more than half of the bytes of both together,
            // the longer is less than twice as long as the shorter, so their
            // starts are close to each other.
            let near = range.start.saturating_sub(2 * range.len())..=range.start + range.len();
            self.by_start
                .range((*near.start(), 0)..=(*near.end(), usize::MAX))
                .any(|(_, hole)| {
                    let (shared, either) = spans::overlap(&hole.range, range);
                    2 * shared > either
                })
                .then_some("duplicate_hole")
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;

    use super::pools::{TRIGGERS, line_rests};
    use super::*;
    use crate::php::spans::Spans;

    fn chosen(text: &str, options: &Options) -> HoleSelection {
        let mut parser = SpanParser::new().unwrap();
        choose(
            text,
            options,
            &mut parser,
            &mut ChaCha8Rng::seed_from_u64(7),
        )
    }

    fn only(kind: SpanKind) -> Options {
        Options {
            only_spans: vec![kind],
            min_middle_chars: 8,
            ..Options::default()
        }
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
    fn every_kind_cuts_what_it_says() {
        let text = sample();
        for (kind, is_right) in [
            (
                SpanKind::LineRest,
                (|before, _, after| {
                    TRIGGERS.iter().any(|t| before.ends_with(t)) && after.starts_with('\n')
                }) as fn(&str, &str, &str) -> bool,
            ),
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
            assert!(chosen.holes.len() > 3, "{kind:?}: {chosen:?}");
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
        options.min_middle_chars = 40;
        let chosen = chosen(&text, &options);
        assert_eq!(chosen.holes.len(), 1, "{chosen:?}");
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
        let kinds: Vec<_> = chosen(&text, &Options::default())
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
            let holes = chosen(&text, &only(SpanKind::AstAligned)).holes.len();
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
        answers.push(format!(
            "{:?}",
            line_rests(text, Some(spans)).collect::<Vec<_>>()
        ));
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
        ) {
            let options = Options {
                min_middle_chars: min,
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
