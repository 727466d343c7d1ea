//! The named nodes of one file, and the queries that choose holes among them.

use std::ops::Range;

use crate::php::span::Span;

/// How many parents a query climbs towards the root before it gives up.
const MAX_CLIMB: usize = 256;

/// The number of no node.
pub(super) const NONE: u32 = u32::MAX;

/// The kinds of nodes that the choice of holes tells apart.
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
    /// The kind of a named node with this name in the grammar.
    pub(super) fn of(grammar: &str) -> Self {
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

    /// Whether a node of this kind can be a middle by itself.
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
    /// Its parent among the named nodes; [`NONE`] for the root.
    pub(super) parent: u32,
    /// The innermost declaration that contains it, which may be the node itself.
    pub(super) owner: u32,
    /// One past the last node below it.
    pub(super) subtree_end: u32,
    /// The number of functions and methods among the nodes before it.
    pub(super) functions_before: u32,
}

/// The spans of one file from which holes are chosen.
#[derive(Debug)]
pub struct Spans {
    pub(super) nodes: Vec<Node>,
    /// The children of all nodes, grouped by parent.
    pub(super) children: Vec<u32>,
    /// For each node, where its children start in `children`; one more at the end.
    pub(super) children_start: Vec<u32>,
    /// The number of functions and methods.
    pub(super) functions: u32,
    /// The insides of `(…)`, `[…]` and `{…}`, in the order of their ends.
    pub brackets: Vec<Span>,
    /// Statements and declarations that follow a comment on a line of its own.
    pub after_comments: Vec<Span>,
    /// Doc comments that stand before a function or method.
    pub doc_comments: Vec<Span>,
    /// Statements without errors, other than blocks.
    pub statements: Vec<Span>,
    /// The insides of the brackets around the arguments of calls.
    pub arguments: Vec<Span>,
    /// The insides of the braces of blocks and bodies.
    pub blocks: Vec<Span>,
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

    /// The innermost node that contains `range`. `None` if it lies too many levels
    /// above the last node that starts before the range: the climb is bounded.
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

    /// The run of at least two whole siblings that overlaps `range` best,
    /// measured as shared bytes over bytes in either. Comments at its end belong to
    /// what follows and are left out. `None` if there is no such run, or if the best
    /// run contains more than one function, an error or the opening tag.
    ///
    /// Only the first and the last sibling can overlap the range in part, so
    /// comparing four runs is enough, however many siblings there are.
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
        let comments = best
            .iter()
            .rev()
            .take_while(|at| node(at).kind == NodeKind::Comment);
        let best = &best[..best.len() - comments.count()];
        if best.len() < 2 {
            return None;
        }
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

/// How many bytes two ranges share, and how many lie in either.
pub(crate) fn overlap(a: &Range<usize>, b: &Range<usize>) -> (u64, u64) {
    let shared = a.end.min(b.end).saturating_sub(a.start.max(b.start));
    ((shared) as u64, (a.len() + b.len() - shared) as u64)
}
