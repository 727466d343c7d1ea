//! Declarations out of tokens, in one pass with an explicit stack: no nesting is
//! too deep and no input costs more than time in proportion to its length.
//! Broken code is resynchronised at the next member that carries a visibility.

mod members;

use super::lex::{Token, TokenKind};
use super::{ClassKind, ClassLike, FileFacts, Import, ImportKind, Namespace, Span, names};

/// How many tokens of a `define(…)` or `include …` are looked through for its end.
const EXPRESSION_TOKENS: usize = 64;

/// The declarations among `tokens`; [`FileFacts::references`] stays empty.
pub(super) fn declarations(source: &str, tokens: &[Token]) -> FileFacts {
    let mut scanner = Scanner {
        source,
        tokens,
        at: 0,
        statement: 0,
        doc: Span::default(),
        stack: Vec::new(),
        classes: Vec::new(),
        facts: FileFacts {
            namespaces: vec![Namespace {
                name: Span::default(),
                body: Span::new(0, source.len()),
            }],
            ..FileFacts::default()
        },
    };
    scanner.run();
    names::index_imports(&mut scanner.facts, source);
    scanner.facts
}

/// What an open brace belongs to.
#[derive(Clone, Copy, PartialEq)]
enum Frame {
    Block,
    Namespace,
    Class(usize),
    Method(usize, usize),
    Function(usize),
}

struct Scanner<'a> {
    source: &'a str,
    tokens: &'a [Token],
    at: usize,
    /// The first token of the current statement, behind attributes.
    statement: usize,
    doc: Span,
    stack: Vec<Frame>,
    /// Where in `stack` the classes are.
    classes: Vec<usize>,
    facts: FileFacts,
}

impl Scanner<'_> {
    fn run(&mut self) {
        while let Some(&token) = self.tokens.get(self.at) {
            self.at += 1;
            match token.kind {
                TokenKind::Doc => {
                    self.doc = token.span;
                    self.statement = self.at;
                }
                TokenKind::AttributeOpen => {
                    self.at = self.closing(self.at - 1) + 1;
                    self.statement = self.at;
                }
                TokenKind::Punct(b'{') => {
                    self.open(Frame::Block);
                    self.boundary();
                }
                TokenKind::Punct(b'}') => {
                    self.close(token.span.end);
                    self.boundary();
                }
                TokenKind::Punct(b';') | TokenKind::OpenTag | TokenKind::CloseTag => {
                    self.boundary()
                }
                TokenKind::Namespace => self.namespace(),
                TokenKind::Use => match self.class() {
                    Some(class) => self.trait_use(class),
                    None if !self.peek().is_some_and(|next| next.is(b'(')) => self.import(),
                    None => {}
                },
                TokenKind::Class => self.class_like(ClassKind::Class),
                TokenKind::Interface => self.class_like(ClassKind::Interface),
                TokenKind::Trait => self.class_like(ClassKind::Trait),
                TokenKind::Enum => self.class_like(ClassKind::Enum),
                TokenKind::Function => self.function(),
                TokenKind::Const => self.constants(),
                TokenKind::Case => {
                    if let Some(class) = self.class() {
                        self.case(class);
                    }
                }
                TokenKind::Variable => {
                    if let Some(class) = self.class() {
                        self.properties(class);
                    }
                }
                TokenKind::Include => {
                    let start = self.at;
                    let end = self.expression_end(start);
                    if end > start {
                        let span = self.span(start, end - 1);
                        self.facts.includes.push(span);
                    }
                }
                TokenKind::Name => self.define(),
                _ => {}
            }
        }
        let end = self.source.len();
        while !self.stack.is_empty() {
            self.close(u32::try_from(end).unwrap_or(u32::MAX));
        }
    }

    fn boundary(&mut self) {
        self.statement = self.at;
        self.doc = Span::default();
    }

    fn open(&mut self, frame: Frame) {
        if matches!(frame, Frame::Class(_)) {
            self.classes.push(self.stack.len());
        }
        self.stack.push(frame);
    }

    /// Closes the innermost open brace, if there is one, at byte `end`.
    fn close(&mut self, end: u32) {
        match self.stack.pop() {
            None | Some(Frame::Block | Frame::Namespace) => {}
            Some(Frame::Class(class)) => {
                self.classes.pop();
                self.facts.classes[class].body.end = end;
            }
            Some(Frame::Method(class, member)) => {
                self.facts.classes[class].members[member].end = end;
            }
            Some(Frame::Function(function)) => self.facts.functions[function].end = end,
        }
    }

    fn peek(&self) -> Option<Token> {
        self.tokens.get(self.at).copied()
    }

    fn word(&self, token: usize) -> &str {
        self.tokens
            .get(token)
            .map_or("", |t| t.span.of(self.source))
    }

    /// The span from token `first` to token `last`, both included.
    fn span(&self, first: usize, last: usize) -> Span {
        Span {
            start: self.tokens[first].span.start,
            end: self.tokens[last.max(first)].span.end,
        }
    }

    fn current_namespace(&self) -> u16 {
        u16::try_from(self.facts.namespaces.len() - 1).unwrap_or(u16::MAX)
    }

    /// The class whose body the scanner stands directly in.
    fn class(&self) -> Option<usize> {
        match self.stack.last() {
            Some(&Frame::Class(class)) => Some(class),
            _ => None,
        }
    }

    /// The token that closes the bracket at `open`, or the last one before a
    /// `;` or brace that cannot stand inside.
    fn closing(&self, open: usize) -> usize {
        let mut depth = 0;
        for (at, token) in self.tokens.iter().enumerate().skip(open) {
            match token.kind {
                TokenKind::Punct(b'(' | b'[') | TokenKind::AttributeOpen => depth += 1,
                TokenKind::Punct(b')' | b']') => {
                    depth -= 1;
                    if depth <= 0 {
                        return at;
                    }
                }
                TokenKind::Punct(b';' | b'{' | b'}') | TokenKind::CloseTag => {
                    return at.max(open + 1) - 1;
                }
                _ => {}
            }
        }
        self.tokens.len().max(open + 1) - 1
    }

    /// The token behind the expression that starts at `from`, not far away.
    fn expression_end(&self, from: usize) -> usize {
        let mut depth = 0;
        let rest = self
            .tokens
            .iter()
            .enumerate()
            .skip(from)
            .take(EXPRESSION_TOKENS);
        for (at, token) in rest {
            match token.kind {
                TokenKind::Punct(b'(' | b'[') => depth += 1,
                TokenKind::Punct(b')' | b']') if depth > 0 => depth -= 1,
                TokenKind::Punct(b')' | b']' | b';' | b'{' | b'}') | TokenKind::CloseTag => {
                    return at;
                }
                TokenKind::Punct(b',') if depth == 0 => return at,
                _ => {}
            }
        }
        self.tokens.len().min(from + EXPRESSION_TOKENS)
    }

    fn first_modifier(&self, mut token: usize) -> usize {
        while token > 0 && self.tokens[token - 1].kind == TokenKind::Modifier {
            token -= 1;
        }
        token
    }

    fn namespace(&mut self) {
        let start = self.tokens[self.at - 1].span.start;
        let name = match self.peek() {
            Some(next) if next.is_word() => {
                self.at += 1;
                next.span
            }
            Some(next) if next.is(b'{') => Span::default(),
            _ => return,
        };
        if let Some(last) = self.facts.namespaces.last_mut() {
            last.body.end = start;
        }
        let body = Span {
            start,
            ..Span::new(0, self.source.len())
        };
        self.facts.namespaces.push(Namespace { name, body });
        if self.peek().is_some_and(|next| next.is(b'{')) {
            self.at += 1;
            self.open(Frame::Namespace);
        }
        self.boundary();
    }

    fn import(&mut self) {
        let mut kind = ImportKind::Class;
        let mut prefix = Span::default();
        let mut member_kind = None;
        let mut name: Option<Span> = None;
        let mut alias = Span::default();
        let namespace = self.current_namespace();
        while let Some(token) = self.peek() {
            self.at += 1;
            match token.kind {
                TokenKind::Function if name.is_none() => member_kind = Some(ImportKind::Function),
                TokenKind::Const if name.is_none() => member_kind = Some(ImportKind::Const),
                TokenKind::Punct(b'\\') => {}
                TokenKind::Punct(b'{') => {
                    prefix = name.take().unwrap_or_default();
                    kind = member_kind.take().unwrap_or(kind);
                }
                TokenKind::As => {
                    if let Some(next) = self.peek().filter(|next| next.is_word()) {
                        alias = next.span;
                        self.at += 1;
                    }
                }
                TokenKind::Punct(b',' | b';' | b'}') => {
                    let done = token.is(b';');
                    if let Some(name) = name.take() {
                        let alias = std::mem::take(&mut alias);
                        // `use function a, b;` holds for the whole list; inside a
                        // group each member may say its own kind.
                        if prefix.is_empty() {
                            kind = member_kind.unwrap_or(kind);
                        }
                        let kind = member_kind.unwrap_or(kind);
                        self.facts.imports.push(Import {
                            kind,
                            prefix,
                            name,
                            alias,
                            namespace,
                        });
                    }
                    if !prefix.is_empty() {
                        member_kind = None;
                    }
                    if done {
                        break;
                    }
                }
                _ if token.is_word() => name = Some(token.span),
                _ => {
                    self.at -= 1;
                    break;
                }
            }
        }
        self.boundary();
    }

    fn trait_use(&mut self, class: usize) {
        while let Some(token) = self.peek() {
            self.at += 1;
            match token.kind {
                TokenKind::Punct(b',') => {}
                TokenKind::Punct(b'{') => {
                    let open = self.at - 1;
                    while self.peek().is_some_and(|t| !t.is(b'}') && !t.is(b'{')) {
                        self.at += 1;
                    }
                    let rules = self.span(open, self.at.min(self.tokens.len() - 1));
                    self.facts.classes[class].trait_rules.push(rules);
                    self.at += usize::from(self.peek().is_some_and(|t| t.is(b'}')));
                    break;
                }
                TokenKind::Name => self.facts.classes[class].traits.push(token.span),
                TokenKind::Punct(b';') => break,
                _ => {
                    self.at -= 1;
                    break;
                }
            }
        }
        self.boundary();
    }

    fn class_like(&mut self, kind: ClassKind) {
        let keyword = self.at - 1;
        let before = keyword.checked_sub(1).map(|at| self.tokens[at].kind);
        if before == Some(TokenKind::DoubleColon) {
            return;
        }
        let first = self.first_modifier(keyword);
        let is_anonymous = first
            .checked_sub(1)
            .is_some_and(|at| matches!(self.tokens[at].kind, TokenKind::New))
            || before == Some(TokenKind::New)
            || before == Some(TokenKind::Punct(b']'));
        let mut name = Span::default();
        match self.peek() {
            Some(next)
                if next.is_word()
                    && !matches!(next.kind, TokenKind::Extends | TokenKind::Implements) =>
            {
                name = next.span;
                self.at += 1;
            }
            Some(next) if next.is(b'(') && is_anonymous => self.at = self.closing(self.at) + 1,
            Some(_) if is_anonymous => {}
            _ => return,
        }
        let mut class = ClassLike {
            kind,
            name,
            head: Span::default(),
            body: Span::default(),
            doc: if is_anonymous {
                Span::default()
            } else {
                self.doc
            },
            namespace: self.current_namespace(),
            extends: Vec::new(),
            implements: Vec::new(),
            traits: Vec::new(),
            trait_rules: Vec::new(),
            members: Vec::new(),
        };
        let mut implements = false;
        while let Some(token) = self.peek() {
            match token.kind {
                TokenKind::Extends => implements = false,
                TokenKind::Implements => implements = true,
                TokenKind::Name if self.tokens[self.at - 1].is(b':') => {} // an enum's backing type
                TokenKind::Name if implements => class.implements.push(token.span),
                TokenKind::Name => class.extends.push(token.span),
                TokenKind::Punct(b',' | b':') => {}
                _ => break,
            }
            self.at += 1;
        }
        class.head = self.span(first, self.at - 1);
        let opens = self.peek().is_some_and(|next| next.is(b'{'));
        let body = self.peek().map_or(class.head.end, |next| next.span.start);
        class.body = Span {
            start: body,
            end: body,
        };
        let index = self.facts.classes.len();
        self.facts.classes.push(class);
        if opens {
            self.at += 1;
            self.open(Frame::Class(index));
        }
        self.boundary();
    }
}

/// The bytes behind the `$`.
pub(super) fn variable_name(variable: Span) -> Span {
    Span {
        start: variable.start + 1,
        end: variable.end,
    }
}

#[cfg(test)]
mod tests {
    use super::super::facts;
    use super::*;

    fn members(source: &str) -> Vec<String> {
        let facts = facts(source);
        let class = |class: &ClassLike| {
            class
                .members
                .iter()
                .map(|m| {
                    let (name, ty) = (m.name.of(source), m.ty.of(source));
                    format!(
                        "{:?} {:?} {name} {ty} {}",
                        m.kind, m.visibility, m.is_static
                    )
                })
                .collect::<Vec<_>>()
        };
        facts.classes.iter().flat_map(class).collect()
    }

    #[test]
    fn members_have_kind_visibility_type_and_name() {
        let source = "<?php
            final class A extends B implements C, D {
                use T, U { T::x insteadof U; U::x as protected y; }
                const int X = 1, Y = [2, 3];
                #[Attr(1)] private static ?Foo $a = null, $b;
                var $c; protected(set) string $d;
                public function __construct(private readonly Foo|Bar $e, int $f = 3, protected $g = []) {}
                abstract protected function &list(array $x = ['a' => 1]): static;
                static function make(): ?self { return new class { public $inner; }; }
                public string $hooked { get => 1; set { $this->x = 2; } }
            }
            enum S: string { case One = 'a'; case Two = 'b'; const D = self::One; }";
        assert_eq!(
            members(source),
            [
                "Constant Public X int true",
                "Constant Public Y  true",
                "Property Private a ?Foo true",
                "Property Private b ?Foo true",
                "Property Public c  false",
                "Property Public d string false",
                "Method Public __construct  false",
                "Property Private e Foo|Bar false",
                "Property Protected g  false",
                "Method Protected list static false",
                "Method Public make ?self true",
                "Property Public hooked string false",
                "Property Public inner  false",
                "Case Public One  true",
                "Case Public Two  true",
                "Constant Public D  true",
            ]
        );
        let facts = facts(source);
        let class = &facts.classes[0];
        assert_eq!(
            class.head.of(source),
            "final class A extends B implements C, D"
        );
        assert_eq!(class.traits.len(), 2);
        assert_eq!(class.trait_rules.len(), 1);
        assert!(source[..class.body.end as usize].ends_with("}\n            }"));
        assert!(facts.functions.is_empty());
    }

    #[test]
    fn functions_constants_and_includes_are_found() {
        let source = "<?php
            require_once __DIR__ . '/a.php';
            if (!function_exists('f')) { function f(int $a, $b = g(1)): array { } }
            define('ONE', 1); const TWO = 2, THREE = 3; \\define(\"FOUR\", x(4));
            $x = function () {}; $y = fn() => 1;";
        let facts = facts(source);
        let names: Vec<_> = facts.constants.iter().map(|c| c.name.of(source)).collect();
        assert_eq!(names, ["ONE", "TWO", "THREE", "FOUR"]);
        assert_eq!(facts.functions.len(), 1);
        assert_eq!(
            facts.functions[0].head.of(source),
            "function f(int $a, $b = g(1)): array"
        );
        assert_eq!(facts.includes[0].of(source), "__DIR__ . '/a.php'");
    }

    #[test]
    fn a_class_goes_on_after_an_unbalanced_brace() {
        let source = "<?php class A { function a() { if (1) { public function b() {} private $c; }";
        assert_eq!(members(source).len(), 3);
        let source = "<?php class A { function a() { } } } public function b() {} }";
        assert_eq!(members(source).len(), 2);
    }
}
