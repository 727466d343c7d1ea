//! What stands around a cursor in code: the brackets that are open there, and the
//! code behind it that must still fit once an answer stands before it.

use crate::php::lex::{LexMode, Token, TokenKind, lex_from};

/// A bracket that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OpenBracket {
    /// The byte that closes it.
    pub(super) closer: u8,
    /// The byte where it stands.
    pub(super) start: usize,
    /// Whether no `;` may stand in it: it is round or square, and no `for` is before it.
    pub(super) is_list: bool,
}

/// The brackets that are open at a cursor.
#[derive(Clone, Debug)]
pub(super) struct EnclosingBrackets {
    /// The brackets, the innermost last.
    pub(super) open: Vec<OpenBracket>,
    /// How many of them are closed behind the cursor, so that an answer must not close
    /// them.
    pub(super) closed_behind: usize,
    /// The first closing byte behind the cursor, if it closes nothing there.
    pub(super) missing: Option<u8>,
}

/// The code behind a cursor.
#[derive(Clone, Debug)]
pub(super) struct CodeBehind {
    /// Whether it has only white space.
    pub(super) is_blank: bool,
    /// Its first token.
    pub(super) next: Option<TokenKind>,
    /// Whether it begins with `(`, without a blank before it.
    pub(super) begins_with_call: bool,
    /// Whether it goes on with what stands before it: no statement can begin with it.
    pub(super) continues: bool,
    /// The closing brackets that it does not open.
    closers: Vec<u8>,
}

impl CodeBehind {
    pub(super) fn new(code: &str) -> Self {
        let tokens = lex_from(code, 0, LexMode::Code);
        let next = tokens.iter().find(|token| token.kind != TokenKind::Doc);
        Self {
            is_blank: code.trim().is_empty(),
            next: next.map(|next| next.kind),
            begins_with_call: code.starts_with('('),
            continues: next.is_some_and(|next| continues(next.kind, next.span.of(code))),
            closers: brackets(code, &tokens).1,
        }
    }
}

impl EnclosingBrackets {
    /// The brackets at the end of `before`, whose tokens are `tokens`.
    pub(super) fn new(before: &str, tokens: &[Token], behind: &CodeBehind) -> Self {
        let (open, _) = brackets(before, tokens);
        // An answer may close what stands inside of the bracket that is closed first.
        let opener = |closer: &u8| open.iter().rposition(|open| open.closer == *closer);
        let closed = behind.closers.iter().find_map(opener);
        let first = behind.closers.first();
        Self {
            closed_behind: closed.map_or(0, |closed| closed + 1),
            missing: first.filter(|first| opener(first).is_none()).copied(),
            open,
        }
    }
}

/// The brackets that `text` opens and does not close, and the closing brackets that it
/// does not open; both in order.
pub(super) fn brackets(text: &str, tokens: &[Token]) -> (Vec<OpenBracket>, Vec<u8>) {
    let (mut open, mut closers) = (Vec::<OpenBracket>::new(), Vec::new());
    let mut last: Option<Token> = None;
    for token in tokens {
        if let Some(bracket) = opened(text, last, *token) {
            open.push(bracket);
        } else if let TokenKind::Punct(closer @ (b')' | b']' | b'}')) = token.kind {
            match open.iter().rposition(|open| open.closer == closer) {
                // The brackets opened after that one are never closed.
                Some(at) => open.truncate(at),
                None => closers.push(closer),
            }
        }
        last = Some(*token);
    }
    (open, closers)
}

/// The bracket that `token`, which follows `last`, opens.
pub(super) fn opened(text: &str, last: Option<Token>, token: Token) -> Option<OpenBracket> {
    let closer = closer_of(token)?;
    let is_for = last.is_some_and(|last| last.span.of(text).eq_ignore_ascii_case("for"));
    Some(OpenBracket {
        closer,
        start: token.span.start as usize,
        is_list: closer != b'}' && !is_for,
    })
}

/// Whether no statement begins with a token of this kind and text.
fn continues(kind: TokenKind, text: &str) -> bool {
    match kind {
        TokenKind::Arrow
        | TokenKind::NullArrow
        | TokenKind::DoubleColon
        | TokenKind::DoubleArrow
        | TokenKind::Instanceof
        | TokenKind::Insteadof
        | TokenKind::As => true,
        TokenKind::Operator => !["++", "--"].contains(&text),
        TokenKind::Keyword => ["and", "or", "xor"]
            .iter()
            .any(|word| text.eq_ignore_ascii_case(word)),
        TokenKind::Punct(byte) => b";,.=*/%<>?:|^+-&".contains(&byte),
        _ => false,
    }
}

/// The byte that closes the bracket that `token` opens.
fn closer_of(token: Token) -> Option<u8> {
    match token.kind {
        TokenKind::Punct(b'(') => Some(b')'),
        TokenKind::Punct(b'[') | TokenKind::AttributeOpen => Some(b']'),
        TokenKind::Punct(b'{') => Some(b'}'),
        _ => None,
    }
}
