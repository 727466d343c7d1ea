//! The buffer around the cursor as tokens and facts.
//!
//! The text before the cursor is read exactly. The rest of the cursor's line is
//! skipped, because the completion will replace it. A part of the text after
//! that line is read. In a large file only the head, where the imports stand,
//! and a window around the cursor are read: a request costs the same however
//! large the file is.

mod import;
mod interpolation;

use rustc_hash::FxHashMap;

pub(super) use self::interpolation::is_open_string;
use self::interpolation::open_interpolation;
use super::request::ContextRequest;
use super::weights::{AFTER_BYTES, BEFORE_BYTES, CALL_TOKENS, HEAD_BYTES};
use crate::php::lex::{LexMode, LexedText, Token, TokenKind, is_blade, lex_blade, lex_from};
use crate::php::names::Scope;
use crate::php::{FileFacts, Span, name_facts};
use crate::text::{line_end, line_start};

/// The buffer of one request.
pub(super) struct Buffer<'a> {
    pub(super) path: &'a str,
    pub(super) content: &'a str,
    /// Tokens before the cursor, then those after its line, without the word
    /// that is being typed.
    pub(super) tokens: Vec<Token>,
    /// How many of the tokens stand before the cursor.
    pub(super) before: usize,
    pub(super) facts: FileFacts,
    /// The named classes by their fully qualified names in lower case.
    classes: FxHashMap<String, usize>,
    /// The part of the identifier at the cursor that is typed already.
    pub(super) typed: &'a str,
    /// The byte at which the identifier at the cursor starts; the cursor if
    /// nothing is typed.
    pub(super) word_start: usize,
    /// Whether the identifier at the cursor is that of a static property: `X::$na`.
    pub(super) is_static_property: bool,
    /// The byte of the cursor.
    pub(super) cursor: usize,
    /// The byte at which the text after the cursor's line starts.
    pub(super) after: usize,
}

impl<'a> Buffer<'a> {
    pub(super) fn new(request: &ContextRequest<'a>) -> Self {
        let (content, cursor) = (request.content, request.cursor);
        let (mut tokens, mode) = match is_blade(request.path) {
            true => {
                let window = cursor.saturating_sub(HEAD_BYTES + BEFORE_BYTES);
                let window = line_start(content, content.floor_char_boundary(window));
                lex_blade(&content[..cursor], window, LexMode::Html)
            }
            false => tokens_before(content, cursor, request.lexed),
        };
        open_interpolation(&content[..cursor], &mut tokens);
        let last = tokens.last().copied();
        let is_static_property = ends_in_static_property(&tokens, cursor);
        let is_typed = |token: &Token| token.is_word() && token.span.end as usize == cursor;
        let word = match last {
            Some(Token { span, .. }) if is_static_property => {
                Some(Span::new(span.start as usize + 1, cursor))
            }
            _ => last.filter(is_typed).map(|word| word.span),
        };
        let word = word.or_else(|| open_namespace(&mut tokens, cursor));
        if word.is_some() {
            tokens.pop();
        }
        let before = tokens.len();
        let after = line_end(content, cursor);
        let end = content.floor_char_boundary((after + AFTER_BYTES).min(content.len()));
        tokens.extend(match is_blade(request.path) {
            true => lex_blade(&content[..end], after, mode).0,
            false => match request.lexed {
                Some(lexed) if lexed.len() + after >= content.len() => {
                    let at = lexed.len() + after - content.len();
                    lexed.lex_from(&content[..end], after, mode, at)
                }
                _ => lex_from(&content[..end], after, mode),
            },
        });
        let facts = name_facts(content, &tokens);
        let mut classes = FxHashMap::default();
        for (item, class) in facts.classes.iter().enumerate() {
            let scope = Scope::of(&facts, content, class.namespace);
            let name = class.name.of(content);
            if !name.is_empty() {
                let name = scope.declared(name).to_ascii_lowercase();
                classes.entry(name).or_insert(item);
            }
        }
        Self {
            path: request.path,
            content,
            tokens,
            before,
            facts,
            classes,
            typed: word.map_or("", |word| word.of(content)),
            word_start: word.map_or(cursor, |word| word.start as usize),
            is_static_property,
            cursor,
            after,
        }
    }

    /// The names in force at the cursor.
    pub(super) fn scope(&self) -> Scope<'_> {
        Scope::at(&self.facts, self.content, self.word_start)
    }

    /// The class with the fully qualified name `name`, in any case.
    pub(super) fn class_named(&self, name: &str) -> Option<usize> {
        self.classes.get(&name.to_ascii_lowercase()).copied()
    }

    /// Whether it declares a constant called `name`, in any namespace.
    pub(super) fn declares_constant(&self, name: &str) -> bool {
        let mut constants = self.facts.constants.iter();
        constants.any(|constant| {
            let own = constant.name.of(self.content);
            own.rsplit('\\').next() == Some(name)
        })
    }

    /// The innermost class whose body holds the cursor.
    pub(super) fn class(&self) -> Option<usize> {
        self.class_at(self.word_start)
    }

    /// The innermost class whose body holds byte `at`.
    pub(super) fn class_at(&self, at: usize) -> Option<usize> {
        // If the cursor cuts a class off, its body ends with the text.
        let holds = |body: Span| body.start as usize <= at && at <= body.end as usize;
        self.facts
            .classes
            .iter()
            .rposition(|class| !class.body.is_empty() && holds(class.body))
    }

    /// The declaration, from its first modifier to its end, and the doc comment
    /// of the innermost function or method that holds byte `at`.
    pub(super) fn function_at(&self, at: usize) -> Option<(Span, Span)> {
        let functions = self
            .facts
            .functions
            .iter()
            .map(|f| (f.head.start, f.end, f.doc));
        let methods = self.facts.classes.iter().flat_map(|class| &class.members);
        let methods = methods
            .filter(|member| !member.params.is_empty())
            .map(|member| (member.head.start, member.end, member.doc));
        functions
            .chain(methods)
            .filter(|&(start, end, _)| start as usize <= at && at <= end as usize)
            .max_by_key(|&(start, ..)| start)
            .map(|(start, end, doc)| (Span { start, end }, doc))
    }

    /// The name of the method or function whose body holds the cursor; empty outside.
    pub(super) fn method_name(&self) -> &'a str {
        let at = self.word_start as u32;
        let methods = self.facts.classes.iter().flat_map(|class| &class.members);
        let methods = methods.filter(|member| !member.params.is_empty());
        let bodies = methods.map(|member| (member.head.end, member.end, member.name));
        let functions = self.facts.functions.iter();
        let functions = functions.map(|f| (f.head.end, f.end, f.name));
        let around = bodies
            .chain(functions)
            .filter(|&(start, end, _)| start <= at && at <= end);
        let innermost = around.max_by_key(|&(start, ..)| start);
        innermost.map_or("", |(.., name)| name.of(self.content))
    }

    /// The text of a token.
    pub(super) fn text(&self, token: usize) -> &'a str {
        self.tokens
            .get(token)
            .map_or("", |token| token.span.of(self.content))
    }

    /// The kind of a token; `None` past either end.
    pub(super) fn kind(&self, token: Option<usize>) -> Option<TokenKind> {
        self.tokens.get(token?).map(|token| token.kind)
    }

    /// The `(` of the innermost call whose arguments hold the cursor.
    pub(super) fn open_call(&self) -> Option<usize> {
        let mut depth = 0_usize;
        let first = self.before.saturating_sub(CALL_TOKENS);
        for at in (first..self.before).rev() {
            match self.tokens[at].kind {
                TokenKind::Punct(b')' | b']' | b'}') => depth += 1,
                TokenKind::Punct(b'(') if depth == 0 => {
                    let is_call = at > 0 && self.tokens[at - 1].is_word();
                    let word = self.kind(at.checked_sub(1));
                    // `if (`, `array(`
                    if is_call && word != Some(TokenKind::Keyword) {
                        return Some(at);
                    }
                }
                TokenKind::Punct(b'{' | b';') if depth == 0 => return None,
                TokenKind::Punct(b'[') if depth == 0 => {}
                TokenKind::Punct(b'(' | b'[' | b'{') | TokenKind::AttributeOpen => {
                    depth = depth.saturating_sub(1);
                }
                _ => {}
            }
        }
        None
    }

    /// The opening bracket of the closing bracket at token `close`.
    pub(super) fn opening(&self, close: usize) -> Option<usize> {
        let mut depth = 0_usize;
        for at in (0..=close).rev() {
            match self.tokens[at].kind {
                TokenKind::Punct(b')' | b']' | b'}') => depth += 1,
                TokenKind::Punct(b'(' | b'[' | b'{') | TokenKind::AttributeOpen => {
                    depth = depth.checked_sub(1)?;
                    if depth == 0 {
                        return Some(at);
                    }
                }
                _ => {}
            }
        }
        None
    }
}

/// The tokens before byte `cursor` of PHP source, and the mode there. Of a large text
/// only the head and what stands near the cursor are read. The source may begin like
/// `lexed`.
fn tokens_before(
    content: &str,
    cursor: usize,
    lexed: Option<&LexedText<'_>>,
) -> (Vec<Token>, LexMode) {
    let prefix = &content[..cursor];
    let lex_part = |part: &str, from: usize, mode: LexMode| match lexed {
        Some(lexed) => lexed.lex_from(part, from, mode, from),
        None => lex_from(part, from, mode),
    };
    let mut tokens;
    if cursor <= HEAD_BYTES + BEFORE_BYTES {
        tokens = lex_part(prefix, 0, LexMode::Html);
    } else {
        let head = line_start(content, content.floor_char_boundary(HEAD_BYTES));
        let window = declaration_line(prefix, cursor - BEFORE_BYTES).max(head);
        tokens = lex_part(&content[..head], 0, LexMode::Html);
        tokens.extend(lex_part(prefix, window, LexMode::Code));
    }
    let mode = match tokens.last().map(|token| token.kind) {
        None | Some(TokenKind::Html | TokenKind::CloseTag) => LexMode::Html,
        _ => LexMode::Code,
    };
    (tokens, mode)
}

/// The name before a `\` that ends at byte `cursor`, with that `\`: `A\B\`. Takes the
/// token of the name away.
fn open_namespace(tokens: &mut Vec<Token>, cursor: usize) -> Option<Span> {
    let last = tokens.last().filter(|last| last.is(b'\\'))?.span;
    if last.end as usize != cursor {
        return None;
    }
    let before = tokens.len().checked_sub(2).map(|at| tokens[at]);
    match before.filter(|name| name.is_word() && name.span.end == last.start) {
        Some(name) => {
            tokens.remove(tokens.len() - 2);
            Some(Span::new(name.span.start as usize, cursor))
        }
        None => Some(last),
    }
}

/// Whether `tokens` end at byte `cursor` with `::$` or `::$name`, which name a static
/// property. The name alone would be that of a variable.
fn ends_in_static_property(tokens: &[Token], cursor: usize) -> bool {
    let [.., operator, last] = tokens else {
        return false;
    };
    operator.kind == TokenKind::DoubleColon
        && (last.kind == TokenKind::Variable || last.is(b'$'))
        && last.span.end as usize == cursor
}

/// The byte at which reading may begin in the middle of a file: the start of
/// the first line behind byte `from` that begins a declaration. Without such a
/// line, the start of the first line behind `from`.
fn declaration_line(text: &str, from: usize) -> usize {
    const WORDS: [&str; 12] = [
        "public ",
        "protected ",
        "private ",
        "static ",
        "abstract ",
        "final ",
        "function ",
        "class ",
        "interface ",
        "trait ",
        "enum ",
        "namespace ",
    ];
    let from = text.ceil_char_boundary(from);
    let first = text[from..]
        .find('\n')
        .map_or(text.len(), |newline| from + newline + 1);
    let mut start = first;
    for line in text[first..].split_inclusive('\n') {
        let code = line.trim_start_matches([' ', '\t']);
        if WORDS.iter().any(|word| code.starts_with(word)) {
            return start;
        }
        start += line.len();
    }
    first
}
