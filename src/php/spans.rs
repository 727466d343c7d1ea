//! The spans of the syntax tree from which the dataset chooses its holes.
//!
//! [`SpanParser::parse`] parses a file once with tree-sitter, copies the named
//! nodes into one flat list in pre-order and drops the tree. The copying is a
//! loop over a cursor, so no nesting can overflow the stack. Every query is a
//! binary search with a bounded climb, so its cost does not grow with the file.

mod flatten;
mod grammar;
mod tree;

use std::cell::Cell;
use std::ops::ControlFlow;

use tree_sitter::ParseOptions;

use self::flatten::Flattener;
use self::grammar::Grammar;
pub(crate) use self::tree::overlap;
pub use self::tree::{Node, NodeKind, Spans};

/// Parser steps granted per source byte. Of 6,000 files of three large projects
/// the median takes 0.9 steps per byte and none takes 2.7. Error recovery can
/// take far more; such a file counts as one that cannot be parsed. The limit is
/// in steps, not in time, so that the result is the same on every machine.
const STEPS_PER_BYTE: usize = 20;
/// Parser steps granted to the smallest file.
const STEPS_AT_LEAST: usize = 100_000;
/// Parser steps between two reports of tree-sitter's progress.
const STEPS_PER_REPORT: usize = 100;
/// Bytes that the lexer may read per source byte, again and again included. A step may
/// read to the end of the file and find that a comment or a heredoc is never closed, so
/// steps alone are no limit. Of 8,073 files of three large projects the median reads 1.3
/// bytes per byte, and none reads 2.0.
const READS_PER_BYTE: usize = 20;
/// Bytes that the lexer may read of the smallest file.
const READS_AT_LEAST: usize = 100_000;
/// Bytes that the lexer gets at a time. What it reads again within them is not counted.
const CHUNK_BYTES: usize = 256;
/// A file with more than one byte in this many inside errors counts as one that
/// cannot be parsed.
const ERROR_SHARE: usize = 5;

/// The grammar was generated for another tree-sitter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("fimd was built with a PHP grammar that its tree-sitter does not know")]
pub struct GrammarError;

/// Parses files with tree-sitter, one after the other.
pub struct SpanParser {
    parser: tree_sitter::Parser,
    grammar: Grammar,
    gave_up: bool,
}

impl SpanParser {
    /// Loads the grammar.
    ///
    /// # Errors
    /// If tree-sitter does not know its format.
    pub fn new() -> Result<Self, GrammarError> {
        let mut parser = tree_sitter::Parser::new();
        let language = tree_sitter_php::LANGUAGE_PHP.into();
        let set = parser.set_language(&language);
        set.map_err(|_| GrammarError)?;
        let grammar = Grammar::new(&language);
        Ok(Self {
            parser,
            grammar,
            gave_up: false,
        })
    }

    /// Whether the last file took more steps or reads than its size grants.
    #[must_use]
    pub fn gave_up(&self) -> bool {
        self.gave_up
    }

    /// Parses `source`. Gives `None` when more than a fifth of it is errors, or
    /// when the parser needs more steps or reads than the size of the file grants
    /// ([`SpanParser::gave_up`]). Takes time in proportion to the size.
    ///
    /// Queries must not ask for spans of fewer than `least` bytes. Most nodes by
    /// far are shorter; what is inside such a node is copied only where it may
    /// be something other than code.
    #[must_use]
    pub fn parse(&mut self, source: &str, least: usize) -> Option<Spans> {
        self.parse_within(steps(source), source, least)
    }

    /// Whether `source` has no syntax error; none when the parser needs more steps
    /// or reads than the size of the file grants. Takes time in proportion to the size.
    #[must_use]
    pub fn is_valid(&mut self, source: &str) -> Option<bool> {
        let tree = self.tree(steps(source), source)?;
        Some(!tree.root_node().has_error())
    }

    fn parse_within(&mut self, steps: usize, source: &str, least: usize) -> Option<Spans> {
        let tree = self.tree(steps, source)?;
        let root = tree.root_node();
        if root.is_error() {
            return None;
        }
        let mut flat = Flattener::new(source, least, &self.grammar, root.has_error());
        flat.walk(tree.walk());
        (flat.error_bytes * ERROR_SHARE <= source.len()).then(|| flat.finish())
    }

    /// The tree of `source`; none if it takes more than so many steps, or too many reads.
    fn tree(&mut self, steps: usize, source: &str) -> Option<tree_sitter::Tree> {
        let bytes = source.as_bytes();
        let unread = Cell::new(reads(source));
        let mut read = |at: usize, _| {
            let rest = bytes.get(at..).unwrap_or_default();
            let chunk = &rest[..rest.len().min(CHUNK_BYTES)];
            match unread.get().checked_sub(chunk.len()) {
                Some(left) => {
                    unread.set(left);
                    chunk
                }
                // The lexer takes this for the end of the file.
                None => {
                    unread.set(0);
                    &[]
                }
            }
        };
        let mut reports = 0;
        let mut progress = |_: &tree_sitter::ParseState| {
            reports += 1;
            match reports > steps / STEPS_PER_REPORT || unread.get() == 0 {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        };
        let options = ParseOptions::new().progress_callback(&mut progress);
        let tree = self
            .parser
            .parse_with_options(&mut read, None, Some(options));
        // With the last byte granted, the end of the file may be none.
        let tree = tree.filter(|_| unread.get() > 0);
        self.gave_up = tree.is_none();
        if self.gave_up {
            // Without a reset the next call would continue with this file.
            self.parser.reset();
        }
        tree
    }
}

/// The parser steps granted to `source`.
fn steps(source: &str) -> usize {
    (source.len() * STEPS_PER_BYTE).max(STEPS_AT_LEAST)
}

/// The bytes that the lexer may read of `source`.
fn reads(source: &str) -> usize {
    (source.len() * READS_PER_BYTE).max(READS_AT_LEAST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::php::Span;

    fn parse(source: &str) -> Option<Spans> {
        SpanParser::new().unwrap().parse(source, 0)
    }

    fn aligned<'a>(source: &'a str, around: &str) -> Option<&'a str> {
        let start = source.find(around).unwrap();
        let spans = parse(source).unwrap();
        spans
            .aligned(start..start + around.len())
            .map(|span| span.of(source))
    }

    #[test]
    fn a_span_snaps_to_the_siblings_that_overlap_it_best() {
        let source = "<?php function f() { $first = 1; $second = 2; $third = 3; }";
        assert_eq!(
            aligned(source, "irst = 1; $second = 2; $t"),
            Some("$first = 1; $second = 2;")
        );
        assert_eq!(
            aligned(source, "1; $second = 2; $third = "),
            Some("$second = 2; $third = 3;")
        );
    }

    #[test]
    fn a_run_holds_at_most_one_function() {
        let source = "<?php function f() { return 1; } $x = 1; function g() { return 2; }";
        assert_eq!(
            aligned(source, "n f() { return 1; } $x = 1; function g() {"),
            None
        );
        assert_eq!(
            aligned(source, "n f() { return 1; } $x = 1"),
            Some("function f() { return 1; } $x = 1;")
        );
    }

    #[test]
    fn comments_functions_and_brackets_are_found_with_their_names() {
        let source = "<?php class A {\n  /** Doc. */\n  function f(int $x) {\n    // why\n    return g($x);\n  }\n}";
        let spans = parse(source).unwrap();
        let texts = |spans: &[Span]| spans.iter().map(|s| s.of(source)).collect::<Vec<_>>();
        assert_eq!(texts(&spans.doc_comments), ["/** Doc. */"]);
        assert_eq!(texts(&spans.after_comments)[1], "return g($x);");
        assert!(texts(&spans.brackets).contains(&"int $x"));
        let at = source.find("return").unwrap();
        let node = spans.innermost(at..at + 6).unwrap();
        assert_eq!(node.kind, NodeKind::Code);
        assert_eq!(node.span.of(source), "return g($x);");
        assert_eq!(spans.name_of(node).of(source), "f");
    }

    #[test]
    fn broken_regions_are_marked_and_hopeless_files_refused() {
        let spans = parse("<?php function ok() { return 1; } $a = = ; $b = 2;").unwrap();
        let ok = spans
            .nodes()
            .iter()
            .find(|n| n.kind == NodeKind::Function)
            .unwrap();
        assert!(!ok.broken);
        assert!(spans.nodes().iter().any(|n| n.broken));
        assert!(parse("<?php ) ) } ( { ] class class ( ( $ $ = => -> ) {{{ ((").is_none());
    }

    #[test]
    fn a_parser_that_gave_up_begins_the_next_file_anew() {
        let (dear, next) = (
            format!("<?php {}", "$a = f($b); ".repeat(100)),
            "<?php g($c);",
        );
        let mut parser = SpanParser::new().unwrap();
        assert!(parser.parse_within(0, &dear, 0).is_none());
        let expected = format!("{:?}", parse(next).unwrap());
        assert_eq!(format!("{:?}", parser.parse(next, 0).unwrap()), expected);
    }

    #[test]
    fn a_lexer_that_reads_to_the_end_again_and_again_is_given_up() {
        let mut parser = SpanParser::new().unwrap();
        let comments = format!("<?php {}", "/** @param A $b ".repeat(20_000));
        assert!(parser.parse(&comments, 0).is_none() && parser.gave_up());
        assert!(parser.parse("<?php g($c);", 0).is_some() && !parser.gave_up());
    }

    #[test]
    fn deep_nesting_neither_overflows_nor_takes_more_than_its_share() {
        let source = format!("<?php $x = {}1{};", "(".repeat(50_000), ")".repeat(50_000));
        if let Some(spans) = parse(&source) {
            for at in (0..source.len() - 50).step_by(50) {
                let _ = spans.aligned(at..at + 50);
            }
        }
        let chain = format!("<?php $x = 1{};", " . $y".repeat(50_000));
        let spans = parse(&chain).unwrap();
        for at in (0..chain.len() - 50).step_by(50) {
            let _ = spans.aligned(at..at + 50);
        }
    }
}
