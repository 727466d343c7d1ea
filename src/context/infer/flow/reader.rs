//! Reads tokens into a [`ValueFlow`].

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::env::{EnvFrame, FrameKind, Places};
use super::node::{Closure, NodeId, PlaceId, State, ValueFlow, ValueNode};
use crate::context::infer::limits::{FLOW_NESTING, FLOW_NODES};
use crate::context::infer::types::Type;
use crate::php::lex::{Token, TokenKind};
use crate::php::{FileFacts, Span};

/// The part of a file that a flow is read from.
pub(in crate::context::infer) struct Extent<'a> {
    pub(in crate::context::infer) text: &'a str,
    pub(in crate::context::infer) facts: &'a FileFacts,
    pub(in crate::context::infer) tokens: Cow<'a, [Token]>,
    /// The tokens to read.
    pub(in crate::context::infer) start: usize,
    pub(in crate::context::infer) end: usize,
    /// The token at which the cursor stands; past the end without a cursor.
    pub(in crate::context::infer) cursor: usize,
    /// The operators `->`, `?->` and `::` whose receivers are asked for.
    pub(in crate::context::infer) operators: Vec<usize>,
    /// The doc comment of the function; empty without one.
    pub(in crate::context::infer) doc: Span,
    /// Whether a function is read, and no script.
    pub(in crate::context::infer) is_function: bool,
}

/// The flow of an extent.
pub(in crate::context::infer) fn read_flow(extent: Extent<'_>) -> ValueFlow<'_> {
    let at = extent
        .tokens
        .get(extent.start)
        .map_or(0, |token| token.span.start);
    let function = Closure {
        doc: extent.doc,
        at,
        ..Closure::default()
    };
    let mut reader = FlowReader::new(&extent, function);
    if extent.is_function {
        reader.function();
    } else {
        reader.script();
    }
    let FlowReader {
        nodes,
        closures,
        receivers,
        at_cursor,
        assigned,
        last,
        places,
        raws,
        ..
    } = reader;
    ValueFlow {
        text: extent.text,
        facts: extent.facts,
        states: RefCell::new(vec![State::Open; nodes.len()]),
        nodes,
        closures,
        receivers,
        assigned,
        last,
        place_names: places.into_names(),
        raws,
        at_cursor: at_cursor.unwrap_or_default(),
    }
}

/// Reads tokens from left to right.
pub(super) struct FlowReader<'t, 'a> {
    pub(super) text: &'a str,
    pub(super) facts: &'a FileFacts,
    pub(super) tokens: &'t [Token],
    /// The next token.
    pub(super) at: usize,
    pub(super) end: usize,
    pub(super) cursor: usize,
    pub(super) operators: &'t [usize],
    /// Whether a function is read, and no script.
    is_function: bool,
    /// Whether reading went on behind the cursor.
    pub(super) is_past_cursor: bool,
    /// Levels of expressions and blocks around the next token.
    pub(super) depth: usize,
    pub(super) nodes: Vec<ValueNode<'a>>,
    pub(super) closures: Vec<Closure<'a>>,
    /// The number of the function that is read.
    pub(super) function: u32,
    pub(super) places: Places,
    pub(super) frames: Vec<EnvFrame>,
    pub(super) receivers: Vec<(usize, NodeId)>,
    pub(super) at_cursor: Option<Vec<(String, NodeId)>>,
    /// What `@var` before the statement says: the variable, if it names one,
    /// and the type.
    pub(super) documented: Vec<(Option<String>, NodeId)>,
    /// The doc comment before the statement; empty without one.
    pub(super) statement_doc: Span,
    /// Whether the members that the function names have places.
    pub(super) has_members: bool,
    /// For the place of a member a token that names the member.
    pub(super) member_tokens: FxHashMap<PlaceId, usize>,
    /// For a node that reads a property or an element: the node of that itself.
    pub(super) raws: FxHashMap<NodeId, NodeId>,
    /// What is assigned to properties, by their places.
    pub(super) assigned: Vec<(String, NodeId)>,
    /// The value of the last statement that is an expression.
    pub(super) last: Option<NodeId>,
}

impl<'t, 'a> FlowReader<'t, 'a> {
    fn new(extent: &'t Extent<'a>, function: Closure<'a>) -> Self {
        Self {
            text: extent.text,
            facts: extent.facts,
            end: extent.end.min(extent.tokens.len()),
            tokens: &extent.tokens,
            at: extent.start,
            cursor: extent.cursor,
            operators: &extent.operators,
            is_function: extent.is_function,
            is_past_cursor: false,
            depth: 0,
            nodes: Vec::new(),
            closures: vec![function],
            function: 0,
            places: Places::default(),
            frames: vec![EnvFrame::new(FrameKind::Function)],
            receivers: Vec::new(),
            at_cursor: None,
            documented: Vec::new(),
            statement_doc: Span::default(),
            has_members: false,
            member_tokens: FxHashMap::default(),
            raws: FxHashMap::default(),
            assigned: Vec::new(),
            last: None,
        }
    }

    /// The kind of the next token. The cursor ends everything that is open.
    pub(super) fn peek(&mut self) -> Option<TokenKind> {
        if self.at >= self.cursor && !self.is_past_cursor {
            if self.at_cursor.is_none() {
                self.at_cursor = Some(self.variables());
            }
            return None;
        }
        if self.at >= self.end {
            return None;
        }
        Some(self.tokens[self.at].kind)
    }

    /// The kind of the token `ahead` tokens behind the next one.
    pub(super) fn ahead(&self, ahead: usize) -> Option<TokenKind> {
        let at = self.at + ahead;
        let is_hidden = at >= self.cursor && !self.is_past_cursor;
        (at < self.end && !is_hidden).then(|| self.tokens[at].kind)
    }

    /// Whether the next token stands in a script, outside of functions.
    pub(super) fn is_script(&self) -> bool {
        !self.is_function && self.function == 0
    }

    /// Whether reading stands at the cursor.
    pub(super) fn is_at_cursor(&self) -> bool {
        self.at >= self.cursor && !self.is_past_cursor
    }

    /// Goes on behind the cursor.
    pub(super) fn pass_cursor(&mut self) {
        self.is_past_cursor = true;
    }

    pub(super) fn token_text(&self, at: usize) -> &'a str {
        self.tokens
            .get(at)
            .map_or("", |token| token.span.of(self.text))
    }

    /// The text of the next token.
    pub(super) fn word(&self) -> &'a str {
        self.token_text(self.at)
    }

    /// The byte at which the next token starts.
    pub(super) fn byte(&self) -> u32 {
        self.tokens
            .get(self.at)
            .map_or(self.text.len() as u32, |token| token.span.start)
    }

    /// Whether the next token is the punctuation `byte`.
    pub(super) fn is(&mut self, byte: u8) -> bool {
        self.peek() == Some(TokenKind::Punct(byte))
    }

    /// Moves over the punctuation `byte`, if it is next.
    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let is = self.is(byte);
        self.at += usize::from(is);
        is
    }

    /// Whether the next token is the keyword `word`.
    pub(super) fn is_keyword(&mut self, word: &str) -> bool {
        self.peek() == Some(TokenKind::Keyword) && self.word().eq_ignore_ascii_case(word)
    }

    /// Moves over the keyword `word`, if it is next.
    pub(super) fn eat_keyword(&mut self, word: &str) -> bool {
        let is = self.is_keyword(word);
        self.at += usize::from(is);
        is
    }

    /// Moves behind the bracket that closes the one at the next token, but not
    /// over the cursor.
    pub(super) fn skip_brackets(&mut self) {
        let mut depth = 0_usize;
        while let Some(kind) = self.peek() {
            self.at += 1;
            match kind {
                TokenKind::Punct(b'(' | b'[' | b'{') | TokenKind::AttributeOpen => depth += 1,
                TokenKind::Punct(b')' | b']' | b'}') => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return;
                    }
                }
                _ => {}
            }
            if depth == 0 {
                return;
            }
        }
    }

    /// Opens one more level of nesting. Returns `false` if there are too many;
    /// then no level is opened.
    #[must_use]
    pub(super) fn descend(&mut self) -> bool {
        let fits = self.depth < FLOW_NESTING;
        self.depth += usize::from(fits);
        fits
    }

    pub(super) fn ascend(&mut self) {
        self.depth -= 1;
    }

    /// Adds a node. Once there are too many, every further one is the first,
    /// of which nothing is known.
    pub(super) fn node(&mut self, node: ValueNode<'a>) -> NodeId {
        if self.nodes.is_empty() {
            self.nodes.push(ValueNode::Known(Type::default()));
        }
        if self.nodes.len() >= FLOW_NODES {
            return 0;
        }
        self.nodes.push(node);
        self.nodes.len() as NodeId - 1
    }

    /// A value of which nothing is known.
    pub(super) fn unknown(&mut self) -> NodeId {
        self.node(ValueNode::Known(Type::default()));
        0
    }

    pub(super) fn known(&mut self, ty: impl Into<Type>) -> NodeId {
        self.node(ValueNode::Known(ty.into()))
    }

    // Frames.

    pub(super) fn top(&mut self) -> &mut EnvFrame {
        if self.frames.is_empty() {
            self.frames.push(EnvFrame::new(FrameKind::Function));
        }
        let last = self.frames.len() - 1;
        &mut self.frames[last]
    }

    pub(super) fn open(&mut self, kind: FrameKind) {
        self.frames.push(EnvFrame::new(kind));
    }

    pub(super) fn close(&mut self) -> EnvFrame {
        self.frames
            .pop()
            .unwrap_or_else(|| EnvFrame::new(FrameKind::Branch))
    }

    /// Sets the node of a place, and forgets what is known of the places that
    /// are reached from it.
    pub(super) fn set(&mut self, place: PlaceId, node: Option<NodeId>) {
        for below in self.places.below(place) {
            if self.lookup(below).is_some() {
                self.top().values.insert(below, None);
            }
        }
        self.narrow(place, node);
    }

    /// Sets the node of a place whose value stays the same.
    pub(super) fn narrow(&mut self, place: PlaceId, node: Option<NodeId>) {
        self.top().values.insert(place, node);
    }

    /// The node of a place.
    pub(super) fn lookup(&mut self, place: PlaceId) -> Option<NodeId> {
        let is_variable = self.places.is_variable(place);
        let mut loops: Vec<usize> = Vec::new();
        let mut found = None;
        for at in (0..self.frames.len()).rev() {
            let frame = &self.frames[at];
            if let Some(&value) = frame.values.get(&place) {
                found = value;
                break;
            }
            match frame.kind {
                FrameKind::Loop => loops.push(at),
                FrameKind::Function
                    if is_variable || !self.places.name(place).starts_with("$this") =>
                {
                    break;
                }
                _ => {}
            }
        }
        // What comes from before a loop may also come from its end.
        let mut value = found?;
        for at in loops.into_iter().rev() {
            let phi = self.node(ValueNode::Phi(vec![(value, None)]));
            self.frames[at].values.insert(place, Some(phi));
            self.frames[at].phis.push((place, phi));
            value = phi;
        }
        Some(value)
    }

    /// The variables that can be read here, in the order of their numbers.
    fn variables(&mut self) -> Vec<(String, NodeId)> {
        let mut all: BTreeMap<PlaceId, NodeId> = BTreeMap::new();
        for frame in self.frames.iter().rev() {
            for (&place, &node) in &frame.values {
                if let Some(node) = node
                    && self.places.is_variable(place)
                {
                    all.entry(place).or_insert(node);
                }
            }
            if frame.kind == FrameKind::Function {
                break;
            }
        }
        let named = all.into_iter();
        named
            .map(|(place, node)| (self.places.name(place).to_owned(), node))
            .collect()
    }
}
