//! Copies a syntax tree into a flat list of its named nodes.

use tree_sitter::TreeCursor;

use super::grammar::{CodePart, Grammar, GrammarSymbol};
use super::tree::{NONE, Node, NodeKind, Spans};
use crate::php::span::Span;

/// The plain bytes: text of these alone contains no string, comment, HTML or
/// body of a declaration.
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

/// A node whose children are being copied.
struct OpenNode {
    /// The innermost named node at or above it: the parent of its children.
    node: u32,
    /// The innermost declaration at or above it.
    owner: u32,
    /// The last opening bracket among its children, and the byte where it ends.
    open: Option<(u8, usize)>,
    /// The previous child if that is a comment.
    comment: Option<Span>,
    in_error: bool,
}

/// Copies the nodes of one tree.
pub(super) struct Flattener<'a> {
    source: &'a str,
    least: usize,
    grammar: &'a Grammar,
    nodes: Vec<Node>,
    functions: u32,
    /// Whether there is any error in the tree.
    has_error: bool,
    /// Bytes of the source inside errors.
    pub(super) error_bytes: usize,
    brackets: Vec<Span>,
    after_comments: Vec<Span>,
    doc_comments: Vec<Span>,
    statements: Vec<Span>,
    arguments: Vec<Span>,
    blocks: Vec<Span>,
}

impl<'a> Flattener<'a> {
    /// A copy of no node yet; see [`super::SpanParser::parse`] for `least`.
    pub(super) fn new(
        source: &'a str,
        least: usize,
        grammar: &'a Grammar,
        has_error: bool,
    ) -> Self {
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
            statements: Vec::new(),
            arguments: Vec::new(),
            blocks: Vec::new(),
        }
    }

    /// Copies the nodes of a tree, in pre-order.
    pub(super) fn walk(&mut self, mut cursor: TreeCursor<'_>) {
        let mut frames = vec![OpenNode {
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
            let (frame, is_skipped) = self.enter(&cursor, outer);
            if !is_skipped && cursor.goto_first_child() {
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

    /// Copies the node at `cursor`, a child of `outer`. Returns the open node for
    /// its own children, and whether these can be skipped.
    fn enter(&mut self, cursor: &TreeCursor<'_>, outer: &mut OpenNode) -> (OpenNode, bool) {
        let node = cursor.node();
        let symbol = self.grammar.symbol(&node);
        let mut frame = OpenNode {
            node: outer.node,
            owner: outer.owner,
            open: None,
            comment: None,
            in_error: outer.in_error,
        };
        // Half of all nodes are not named, and each question to the tree costs time.
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
        self.relate(cursor, outer, kind, span);
        let at = u32::try_from(self.nodes.len()).unwrap_or(NONE);
        let is_function = kind == NodeKind::Function;
        if is_function || kind == NodeKind::Type {
            frame.owner = at;
        }
        let has_error = self.has_error && node.has_error();
        if let Some(part) = symbol.part
            && !(has_error || frame.in_error)
        {
            self.part(part, span);
        }
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
        (frame, self.is_skipped(symbol, span) && !has_error)
    }

    /// Records what the named node at `cursor`, of `kind` at `span`, means to its
    /// parent `outer` and to the comment before it.
    fn relate(
        &mut self,
        cursor: &TreeCursor<'_>,
        outer: &mut OpenNode,
        kind: NodeKind,
        span: Span,
    ) {
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
                self.commented(comment, cursor.node().kind(), span)
            }
            _ => {}
        }
        if kind == NodeKind::Comment {
            outer.comment = Some(span);
        }
    }

    /// Records the node at `span`, a part that is typed in one go.
    fn part(&mut self, part: CodePart, span: Span) {
        let inside = || {
            let Span { start, end } = span;
            (end - start >= 2).then(|| Span::new(start as usize + 1, end as usize - 1))
        };
        match part {
            CodePart::Statement => self.statements.push(span),
            CodePart::Arguments => self.arguments.extend(inside()),
            CodePart::Block => self.blocks.extend(inside()),
        }
    }

    /// Whether no query needs the inside of a node of `symbol` at `span`, given
    /// that there is no error in it.
    fn is_skipped(&self, symbol: GrammarSymbol, span: Span) -> bool {
        let is_plain = |byte: &u8| PLAIN[usize::from(*byte)];
        span.len() < self.least
            && (symbol.is_quoted || span.of(self.source).as_bytes().iter().all(is_plain))
    }

    /// Records a bracket. Brackets form pairs among siblings.
    fn bracket(&mut self, bracket: u8, span: Span, outer: &mut OpenNode) {
        if matches!(bracket, b'(' | b'[' | b'{') {
            outer.open = Some((bracket, span.end as usize));
        } else if let Some((open, end)) = outer.open.take()
            && matches!((open, bracket), (b'(', b')') | (b'[', b']') | (b'{', b'}'))
        {
            self.brackets.push(Span::new(end, span.start as usize));
        }
    }

    /// Records that a node called `kind` in the grammar, at `span`, follows `comment`.
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

    /// Closes the node of `frame`, a child of the node `outer`.
    fn close(&mut self, frame: &OpenNode, outer: u32) {
        let end = u32::try_from(self.nodes.len()).unwrap_or(NONE);
        if frame.node != outer
            && let Some(node) = self.nodes.get_mut(frame.node as usize)
        {
            node.subtree_end = end;
        }
    }

    /// The copied nodes, with their children grouped by parent.
    pub(super) fn finish(self) -> Spans {
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
            statements: self.statements,
            arguments: self.arguments,
            blocks: self.blocks,
        }
    }
}
