//! The syntax tree's spans from which the dataset chooses its holes.
//!
//! [`SpanParser::parse`] parses a file once with tree-sitter, copies the named nodes
//! into one flat list in pre-order and drops the tree. The walk is a loop over a
//! cursor, so no nesting can overflow the stack, and every query afterwards is
//! a binary search with a bounded climb: whatever the file holds, the cost of a
//! query does not grow with it.

use std::num::NonZeroU16;
use std::ops::{ControlFlow, Range};

use tree_sitter::{Language, Node as TreeNode, ParseOptions, TreeCursor};

use super::Span;

/// Parser steps granted per source byte, and for the smallest file. Of 6,000
/// files of three large projects the median takes 0.9 steps per byte and none
/// 2.7; error recovery can take far more, and then the file counts as one that
/// cannot be parsed. Steps, not time, so that the answer is the same on every
/// machine.
const STEPS_PER_BYTE: usize = 20;
const STEPS_AT_LEAST: usize = 100_000;
/// tree-sitter reports progress once in so many steps.
const STEPS_PER_REPORT: usize = 100;
/// A file with more than one byte in five inside errors counts as unparsable.
const ERROR_SHARE: usize = 5;
/// How far a query climbs towards the root before it gives up.
const MAX_CLIMB: usize = 256;

const NONE: u32 = u32::MAX;

/// The bytes of which code can be made without a string, a comment, HTML, or the
/// body of a declaration in it.
const PLAIN: [bool; 256] = {
    let mut plain = [true; 256];
    let other = b"'\"`#/<?{}";
    let mut at = 0;
    while at < other.len() {
        plain[other[at] as usize] = false;
        at += 1;
    }
    plain
};

/// What a node is, as far as choosing holes goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// A comment of any form.
    Comment,
    /// A function or method.
    Function,
    /// A class, interface, trait or enum.
    Type,
    /// `<?php` or `<?=`.
    OpenTag,
    /// The inside of a string or heredoc, inline HTML, an error, or the file.
    Raw,
    /// A string with its quotes.
    String,
    /// Any other piece of code.
    Code,
}

impl NodeKind {
    fn of(grammar: &str) -> Self {
        match grammar {
            "comment" => Self::Comment,
            "function_definition" | "method_declaration" => Self::Function,
            "class_declaration"
            | "interface_declaration"
            | "trait_declaration"
            | "enum_declaration" => Self::Type,
            "php_tag" => Self::OpenTag,
            "program" | "text" | "text_interpolation" | "string_content" | "heredoc_body"
            | "nowdoc_body" | "nowdoc_string" | "ERROR" => Self::Raw,
            "string" | "encapsed_string" => Self::String,
            _ => Self::Code,
        }
    }

    /// Whether such a node can be cut by itself.
    #[must_use]
    pub fn is_code(self) -> bool {
        matches!(
            self,
            Self::Function | Self::Type | Self::String | Self::Code
        )
    }
}

/// A named node of the tree.
#[derive(Clone, Copy, Debug)]
pub struct Node {
    /// What it is.
    pub kind: NodeKind,
    /// Its bytes.
    pub span: Span,
    /// The name it declares or calls; empty when it has none.
    pub name: Span,
    /// Whether there is a syntax error inside.
    pub broken: bool,
    parent: u32,
    /// The innermost declaration that holds it, itself included.
    owner: u32,
    /// One past the last node below it.
    subtree_end: u32,
    /// Functions and methods among the nodes before it.
    functions_before: u32,
}

/// What the holes of one file are chosen from; see the module.
#[derive(Debug)]
pub struct Spans {
    nodes: Vec<Node>,
    /// The children of all nodes, grouped by parent.
    children: Vec<u32>,
    /// For each node, where its children start in `children`; one more at the end.
    children_start: Vec<u32>,
    functions: u32,
    /// The insides of `(…)`, `[…]` and `{…}`, in the order of their ends.
    pub brackets: Vec<Span>,
    /// Statements and declarations that follow a comment on a line of its own.
    pub after_comments: Vec<Span>,
    /// Doc comments that stand before a function or method.
    pub doc_comments: Vec<Span>,
}

impl Spans {
    /// The named nodes in pre-order, so sorted by where they start.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Whether `node` covers the same bytes as its parent.
    #[must_use]
    pub fn repeats_parent(&self, node: &Node) -> bool {
        self.nodes
            .get(node.parent as usize)
            .is_some_and(|parent| parent.span == node.span)
    }

    /// The name of `node`, or of the declaration around it.
    #[must_use]
    pub fn name_of(&self, node: &Node) -> Span {
        if !node.name.is_empty() {
            return node.name;
        }
        self.nodes
            .get(node.owner as usize)
            .map_or(Span::default(), |owner| owner.name)
    }

    /// The innermost node that holds `range`, unless it lies deeper than a
    /// bounded climb reaches.
    #[must_use]
    pub fn innermost(&self, range: Range<usize>) -> Option<&Node> {
        self.innermost_index(&range).map(|at| &self.nodes[at])
    }

    fn innermost_index(&self, range: &Range<usize>) -> Option<usize> {
        let after = self
            .nodes
            .partition_point(|node| node.span.start as usize <= range.start);
        let mut at = after.checked_sub(1)?;
        for _ in 0..MAX_CLIMB {
            let node = &self.nodes[at];
            if node.span.end as usize >= range.end {
                return Some(at);
            }
            if node.parent == NONE {
                return None;
            }
            at = node.parent as usize;
        }
        None
    }

    /// The run of at least two whole siblings that overlaps `range` best, by
    /// shared bytes over bytes in either. `None` if there is no such run, if it
    /// holds more than one function, or errors, or the opening tag.
    ///
    /// Only the siblings at the two ends of the range can be in doubt, so four
    /// runs are compared, however many siblings there are.
    #[must_use]
    pub fn aligned(&self, range: Range<usize>) -> Option<Span> {
        let parent = self.innermost_index(&range)?;
        let bounds = self.children_start[parent] as usize..self.children_start[parent + 1] as usize;
        let siblings = &self.children[bounds];
        let node = |at: &u32| &self.nodes[*at as usize];
        let first = siblings.partition_point(|at| node(at).span.end as usize <= range.start);
        let last = siblings.partition_point(|at| (node(at).span.start as usize) < range.end);
        let runs = [(0, 0), (1, 0), (0, 1), (1, 1)]
            .into_iter()
            .map(|(skip, drop)| (first + skip, last.saturating_sub(drop)))
            .filter(|(from, to)| from + 2 <= *to)
            .map(|(from, to)| &siblings[from..to]);
        let span_of = |run: &[u32]| {
            let start = run.first().map_or(0, |at| node(at).span.start);
            let end = run.last().map_or(0, |at| node(at).span.end);
            Span { start, end }
        };
        let best = runs.reduce(|best, run| {
            let (shared, either) = overlap(&span_of(run).range(), &range);
            let (best_shared, best_either) = overlap(&span_of(best).range(), &range);
            if shared * best_either > best_shared * either {
                run
            } else {
                best
            }
        })?;
        let (first, last) = (node(best.first()?), node(best.last()?));
        let functions_after = self
            .nodes
            .get(last.subtree_end as usize)
            .map_or(self.functions, |next| next.functions_before);
        let fits = functions_after - first.functions_before <= 1
            && best
                .iter()
                .all(|at| !node(at).broken && node(at).kind != NodeKind::OpenTag);
        fits.then(|| span_of(best))
    }
}

/// The grammar was generated for another tree-sitter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("fimd was built with a PHP grammar that its tree-sitter does not know")]
pub struct GrammarError;

/// Parses files with tree-sitter, one after the other.
pub struct SpanParser {
    parser: tree_sitter::Parser,
    grammar: Grammar,
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
        Ok(Self { parser, grammar })
    }

    /// Parses `source`. `None` when it is no PHP that tree-sitter can make
    /// sense of: more than a fifth of it is errors, or the parser needs more
    /// steps than the file's size grants. Takes time in proportion to the size.
    ///
    /// No span of fewer than `least` bytes will be asked for: what is inside a
    /// shorter node, most nodes by far, is noted only where it may not be code.
    #[must_use]
    pub fn parse(&mut self, source: &str, least: usize) -> Option<Spans> {
        let steps = (source.len() * STEPS_PER_BYTE).max(STEPS_AT_LEAST);
        self.parse_within(steps, source, least)
    }

    fn parse_within(&mut self, steps: usize, source: &str, least: usize) -> Option<Spans> {
        let budget = steps / STEPS_PER_REPORT;
        let mut reports = 0;
        let mut progress = |_: &tree_sitter::ParseState| {
            reports += 1;
            if reports > budget {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let bytes = source.as_bytes();
        let tree = self.parser.parse_with_options(
            &mut |at, _| bytes.get(at..).unwrap_or_default(),
            None,
            Some(ParseOptions::new().progress_callback(&mut progress)),
        );
        let Some(tree) = tree else {
            // It would go on where it was.
            self.parser.reset();
            return None;
        };
        let root = tree.root_node();
        if root.is_error() {
            return None;
        }
        let mut flat = Flattening::new(source, least, &self.grammar, root.has_error());
        flat.walk(tree.walk());
        (flat.error_bytes * ERROR_SHARE <= source.len()).then(|| flat.finish())
    }
}

/// How many bytes two ranges share, and how many lie in either.
pub(crate) fn overlap(a: &Range<usize>, b: &Range<usize>) -> (u64, u64) {
    let shared = a.end.min(b.end).saturating_sub(a.start.max(b.start));
    ((shared) as u64, (a.len() + b.len() - shared) as u64)
}

/// An open node during the walk.
struct Frame {
    /// The innermost named node at or above it; its children's parent.
    node: u32,
    /// Its owner, handed down.
    owner: u32,
    /// The last opening bracket among its children, and where that ends.
    open: Option<(u8, usize)>,
    /// The child just before, if that was a comment.
    comment: Option<Span>,
    in_error: bool,
}

/// What the grammar's symbols say, by their numbers: a file has far more nodes
/// than the grammar has symbols, and names are dear to compare.
struct Grammar {
    symbols: Vec<Symbol>,
    /// The field that holds a declaration's name.
    name: Option<NonZeroU16>,
}

#[derive(Clone, Copy)]
struct Symbol {
    /// What a named node of it is.
    kind: NodeKind,
    /// Whether it is more than a token of the grammar's own.
    is_named: bool,
    /// The bracket that it ends with, if it is one.
    bracket: Option<u8>,
    /// Whether it is a string between single quotes.
    is_quoted: bool,
}

impl Grammar {
    fn new(language: &Language) -> Self {
        let symbol = |id: usize| {
            let id = u16::try_from(id).ok()?;
            let name = language.node_kind_for_id(id)?;
            Some(Symbol {
                kind: NodeKind::of(name),
                is_named: language.node_kind_is_named(id),
                bracket: matches!(name, "(" | "[" | "{" | "#[" | ")" | "]" | "}")
                    .then(|| name.as_bytes()[name.len() - 1]),
                is_quoted: name == "string",
            })
        };
        // A number without a name is no node's.
        let unused = Symbol {
            kind: NodeKind::Raw,
            is_named: false,
            bracket: None,
            is_quoted: false,
        };
        let symbols = 0..language.node_kind_count();
        Self {
            symbols: symbols.map(|id| symbol(id).unwrap_or(unused)).collect(),
            name: language.field_id_for_name("name"),
        }
    }

    fn symbol(&self, node: &TreeNode<'_>) -> Symbol {
        // An error's number lies behind all others.
        let error = Symbol {
            kind: NodeKind::Raw,
            is_named: true,
            bracket: None,
            is_quoted: false,
        };
        let symbol = self.symbols.get(usize::from(node.kind_id()));
        symbol.copied().unwrap_or(error)
    }
}

struct Flattening<'a> {
    source: &'a str,
    /// See [`SpanParser::parse`].
    least: usize,
    grammar: &'a Grammar,
    nodes: Vec<Node>,
    functions: u32,
    /// Whether there is any error in the tree.
    has_error: bool,
    error_bytes: usize,
    brackets: Vec<Span>,
    after_comments: Vec<Span>,
    doc_comments: Vec<Span>,
}

impl<'a> Flattening<'a> {
    fn new(source: &'a str, least: usize, grammar: &'a Grammar, has_error: bool) -> Self {
        Self {
            source,
            least,
            grammar,
            nodes: Vec::new(),
            functions: 0,
            has_error,
            error_bytes: 0,
            brackets: Vec::new(),
            after_comments: Vec::new(),
            doc_comments: Vec::new(),
        }
    }

    fn walk(&mut self, mut cursor: TreeCursor<'_>) {
        let mut frames = vec![Frame {
            node: NONE,
            owner: NONE,
            open: None,
            comment: None,
            in_error: false,
        }];
        loop {
            let Some(outer) = frames.last_mut() else {
                return;
            };
            let (frame, is_whole) = self.enter(&cursor, outer);
            if !is_whole && cursor.goto_first_child() {
                frames.push(frame);
                continue;
            }
            self.close(&frame, outer.node);
            while !cursor.goto_next_sibling() {
                let Some(frame) = frames.pop() else {
                    return;
                };
                let outer = frames.last().map_or(NONE, |outer| outer.node);
                self.close(&frame, outer);
                if !cursor.goto_parent() {
                    return;
                }
            }
        }
    }

    /// Notes the node at `cursor`, a child of `outer`'s node, and gives the frame
    /// for its own children, and whether those do not matter.
    fn enter(&mut self, cursor: &TreeCursor<'_>, outer: &mut Frame) -> (Frame, bool) {
        let node = cursor.node();
        let symbol = self.grammar.symbol(&node);
        let mut frame = Frame {
            node: outer.node,
            owner: outer.owner,
            open: None,
            comment: None,
            in_error: outer.in_error,
        };
        // Half of all nodes are not named: each question to the tree counts.
        let span = || Span::new(node.start_byte(), node.end_byte());
        if !symbol.is_named {
            if let Some(bracket) = symbol.bracket {
                self.bracket(bracket, span(), outer);
            }
            return (frame, false);
        }
        let (kind, span) = (symbol.kind, span());
        frame.in_error |= node.is_error();
        if frame.in_error && !outer.in_error {
            self.error_bytes += span.len();
        }
        if self
            .grammar
            .name
            .is_some_and(|name| cursor.field_id() == Some(name))
            && let Some(parent) = self.nodes.get_mut(outer.node as usize)
        {
            parent.name = span;
        }
        match outer.comment.take() {
            Some(comment) if kind != NodeKind::Comment => {
                self.commented(comment, node.kind(), span)
            }
            _ => {}
        }
        if kind == NodeKind::Comment {
            outer.comment = Some(span);
        }
        let at = u32::try_from(self.nodes.len()).unwrap_or(NONE);
        let is_function = kind == NodeKind::Function;
        if is_function || kind == NodeKind::Type {
            frame.owner = at;
        }
        let has_error = self.has_error && node.has_error();
        self.nodes.push(Node {
            kind,
            span,
            name: Span::default(),
            broken: has_error || node.is_missing() || frame.in_error,
            parent: outer.node,
            owner: frame.owner,
            subtree_end: at + 1,
            functions_before: self.functions,
        });
        self.functions += u32::from(is_function);
        frame.node = at;
        (frame, self.is_whole(symbol, span) && !has_error)
    }

    /// Whether nothing is to be asked about what is inside a node of `symbol` at
    /// `span`, if there is no error in it.
    fn is_whole(&self, symbol: Symbol, span: Span) -> bool {
        let is_plain = |byte: &u8| PLAIN[usize::from(*byte)];
        span.len() < self.least
            && (symbol.is_quoted || span.of(self.source).as_bytes().iter().all(is_plain))
    }

    /// Notes a bracket: they make pairs among siblings.
    fn bracket(&mut self, bracket: u8, span: Span, outer: &mut Frame) {
        if matches!(bracket, b'(' | b'[' | b'{') {
            outer.open = Some((bracket, span.end as usize));
        } else if let Some((open, end)) = outer.open.take()
            && matches!((open, bracket), (b'(', b')') | (b'[', b']') | (b'{', b'}'))
        {
            self.brackets.push(Span::new(end, span.start as usize));
        }
    }

    /// Notes that a node of `kind` at `span` follows `comment`.
    fn commented(&mut self, comment: Span, kind: &str, span: Span) {
        let start = comment.start as usize;
        let own_line = self.source[crate::text::line_start(self.source, start)..start]
            .trim_ascii()
            .is_empty();
        if !own_line {
            return;
        }
        if ["_statement", "_declaration", "_definition"]
            .iter()
            .any(|ending| kind.ends_with(ending))
        {
            self.after_comments.push(span);
        }
        if matches!(kind, "function_definition" | "method_declaration")
            && comment.of(self.source).starts_with("/**")
        {
            self.doc_comments.push(comment);
        }
    }

    /// Ends the node of `frame`, a child of the node `outer`.
    fn close(&mut self, frame: &Frame, outer: u32) {
        let end = u32::try_from(self.nodes.len()).unwrap_or(NONE);
        if frame.node != outer
            && let Some(node) = self.nodes.get_mut(frame.node as usize)
        {
            node.subtree_end = end;
        }
    }

    /// Groups the children by parent.
    fn finish(self) -> Spans {
        let mut children_start = vec![0_u32; self.nodes.len() + 1];
        for node in &self.nodes {
            if let Some(count) = children_start.get_mut(node.parent.wrapping_add(1) as usize)
                && node.parent != NONE
            {
                *count += 1;
            }
        }
        for at in 1..children_start.len() {
            children_start[at] += children_start[at - 1];
        }
        let mut next = children_start.clone();
        let mut children = vec![0_u32; children_start.last().map_or(0, |all| *all as usize)];
        for (at, node) in (0_u32..).zip(&self.nodes) {
            if node.parent != NONE {
                let slot = &mut next[node.parent as usize];
                children[*slot as usize] = at;
                *slot += 1;
            }
        }
        Spans {
            nodes: self.nodes,
            children,
            children_start,
            functions: self.functions,
            brackets: self.brackets,
            after_comments: self.after_comments,
            doc_comments: self.doc_comments,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
