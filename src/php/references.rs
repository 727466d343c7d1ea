//! Finds references among tokens: the words that use a name which may be declared
//! elsewhere. The tokens around a word tell the kind of the reference. One pass with
//! an explicit stack of brackets.

use super::facts::{RefKind, Reference};
use super::names::is_builtin;
use super::span::Span;
use super::token::{Token, TokenKind};

/// The references among `tokens`.
pub(super) fn references(source: &str, tokens: &[Token]) -> Vec<Reference> {
    let mut scanner = ReferenceScanner {
        source,
        tokens,
        at: 0,
        takes_classes: false,
        brackets: Vec::new(),
        parameters_end: None,
        found: Vec::new(),
    };
    scanner.run();
    scanner.found
}

/// Finds references from left to right.
struct ReferenceScanner<'a> {
    source: &'a str,
    tokens: &'a [Token],
    at: usize,
    /// Whether a name here can only be a class: in a type or in a list of parents.
    takes_classes: bool,
    /// For each open parenthesis and square bracket, whether it encloses the
    /// parameters of a function or the classes of a `catch`.
    brackets: Vec<bool>,
    /// The `)` token behind the parameters that were read last.
    parameters_end: Option<usize>,
    found: Vec<Reference>,
}

impl ReferenceScanner<'_> {
    fn run(&mut self) {
        while let Some(&token) = self.tokens.get(self.at) {
            self.token(token);
            self.at += 1;
        }
    }

    fn token(&mut self, token: Token) {
        match token.kind {
            TokenKind::Extends | TokenKind::Implements | TokenKind::Modifier => {
                self.takes_classes = true
            }
            TokenKind::Keyword => {}
            TokenKind::Name => {
                if let Some(kind) = self.kind() {
                    self.add(kind, token.span);
                }
            }
            TokenKind::Variable => {
                self.takes_classes = false;
                if self.before(1) == Some(TokenKind::DoubleColon) {
                    self.add(RefKind::StaticProperty, token.variable_name());
                }
            }
            TokenKind::Punct(b'(') => {
                self.takes_classes = self.opens_parameters();
                self.brackets.push(self.takes_classes);
            }
            TokenKind::Punct(b'[') | TokenKind::AttributeOpen => {
                self.takes_classes = false;
                self.brackets.push(false);
            }
            TokenKind::Punct(b')' | b']') => {
                let closed = self.brackets.pop() == Some(true);
                // A type continues behind its brackets and behind an attribute.
                self.takes_classes = if self.in_parameters() {
                    closed || token.is(b']')
                } else {
                    closed && self.next() == Some(TokenKind::Punct(b'|'))
                };
                if closed && !self.in_parameters() {
                    self.parameters_end = Some(self.at);
                }
            }
            // A list of parents continues behind a comma, and so do parameters.
            TokenKind::Punct(b',') => self.takes_classes |= self.in_parameters(),
            TokenKind::Punct(b':') => {
                let behind = self.at.checked_sub(1);
                self.takes_classes = behind.is_some() && behind == self.parameters_end;
            }
            TokenKind::Punct(b'?' | b'|' | b'&') | TokenKind::Doc => {}
            TokenKind::Punct(b';' | b'{' | b'}') => {
                self.takes_classes = false;
                // These cannot stand in parameters, so a bracket was never closed.
                self.brackets.pop_if(|parameters| *parameters);
            }
            TokenKind::Use if self.next() != Some(TokenKind::Punct(b'(')) => self.skip_use(),
            _ => self.takes_classes = false,
        }
    }

    fn add(&mut self, kind: RefKind, name: Span) {
        let receiver = match kind {
            RefKind::Class | RefKind::Function | RefKind::Constant => Span::default(),
            _ => receiver(self.source, self.tokens, self.at - 1),
        };
        self.found.extend(Reference::new(kind, name, receiver));
    }

    fn in_parameters(&self) -> bool {
        self.brackets.last() == Some(&true)
    }

    /// The kind of the token `distance` tokens before the current one.
    fn before(&self, distance: usize) -> Option<TokenKind> {
        let at = self.at.checked_sub(distance)?;
        Some(self.tokens[at].kind)
    }

    fn next(&self) -> Option<TokenKind> {
        self.tokens.get(self.at + 1).map(|token| token.kind)
    }

    /// Whether the current `(` begins the parameters of a function, the classes of a
    /// `catch`, or a group inside a type of those.
    fn opens_parameters(&self) -> bool {
        let in_type = self.takes_classes
            && match self.before(1) {
                Some(TokenKind::Punct(b':' | b'|')) => true,
                Some(TokenKind::Modifier) => self.before(2) != Some(TokenKind::New),
                _ => self.in_parameters(),
            };
        in_type
            || match self.before(1) {
                Some(TokenKind::Function | TokenKind::Fn | TokenKind::Catch | TokenKind::Use) => {
                    true
                }
                Some(TokenKind::Punct(b'&')) => {
                    matches!(self.before(2), Some(TokenKind::Function | TokenKind::Fn))
                }
                _ => match self.before(2) {
                    Some(TokenKind::Function) => true,
                    Some(TokenKind::Punct(b'&')) => self.before(3) == Some(TokenKind::Function),
                    _ => false,
                },
            }
    }

    /// Skips an import, or a use of traits with its rules. The names in them are facts
    /// of their own, not references. Stops before a token that cannot stand there.
    fn skip_use(&mut self) {
        let mut in_braces = false;
        while let Some(next) = self.next() {
            match next {
                TokenKind::Name
                | TokenKind::As
                | TokenKind::Function
                | TokenKind::Const
                | TokenKind::Doc
                | TokenKind::Punct(b',' | b'\\') => {}
                TokenKind::Punct(b'{') if !in_braces => in_braces = true,
                TokenKind::Punct(b'}') if in_braces => {
                    self.at += 1;
                    break;
                }
                // `A::list insteadof B;`, `a as protected;`
                _ if in_braces && self.tokens[self.at + 1].is_word() => {}
                TokenKind::DoubleColon | TokenKind::Punct(b';') if in_braces => {}
                _ => break,
            }
            self.at += 1;
        }
    }

    /// The kind of the reference at the current token; `None` if it is none.
    fn kind(&self) -> Option<RefKind> {
        let name = self.tokens[self.at].span.of(self.source);
        let (before, next) = (self.before(1), self.next());
        let calls = next == Some(TokenKind::Punct(b'('));
        let class = || (!is_builtin(name)).then_some(RefKind::Class);
        match before {
            Some(TokenKind::Arrow | TokenKind::NullArrow) if calls => return Some(RefKind::Method),
            Some(TokenKind::Arrow | TokenKind::NullArrow) => return Some(RefKind::Property),
            Some(TokenKind::DoubleColon) if calls => return Some(RefKind::StaticMethod),
            Some(TokenKind::DoubleColon) => return Some(RefKind::ClassConstant),
            Some(
                TokenKind::Function
                | TokenKind::Const
                | TokenKind::Class
                | TokenKind::Interface
                | TokenKind::Trait
                | TokenKind::Enum
                | TokenKind::Namespace
                | TokenKind::Use
                | TokenKind::As
                | TokenKind::Insteadof,
            ) => return None,
            Some(TokenKind::New | TokenKind::Instanceof | TokenKind::AttributeOpen) => {
                return class();
            }
            Some(TokenKind::Punct(b'&')) if self.before(2) == Some(TokenKind::Function) => {
                return None;
            }
            Some(TokenKind::Keyword) if name.eq_ignore_ascii_case("from") => {
                let word = self.tokens[self.at - 1].span.of(self.source);
                if word.eq_ignore_ascii_case("yield") {
                    return None;
                }
            }
            _ if self.takes_classes => return class(),
            _ => {}
        }
        match (before, next) {
            (_, Some(TokenKind::DoubleColon | TokenKind::Variable | TokenKind::Ellipsis)) => {
                class()
            }
            (_, Some(TokenKind::Punct(b'('))) => (!is_builtin(name)).then_some(RefKind::Function),
            // `const Type NAME = 1, NAME = 2`
            (Some(TokenKind::Name), _) | (_, Some(TokenKind::Punct(b'='))) => None,
            // `named(argument: 1)`; the case of an enum.
            (Some(TokenKind::Punct(b'(' | b',')), Some(TokenKind::Punct(b':'))) => None,
            (Some(TokenKind::Case), Some(TokenKind::Punct(b':'))) => constant(name),
            (Some(TokenKind::Case), _) => None,
            _ => constant(name),
        }
    }
}

/// The kind of a bare word where a value can stand: a constant if its case is that of
/// a constant.
fn constant(name: &str) -> Option<RefKind> {
    let last = name.rsplit('\\').next().unwrap_or(name);
    let upper = last.starts_with(|c: char| c.is_ascii_uppercase() || c == '_');
    let values = ["true", "false", "null"];
    let is_value = values.iter().any(|value| last.eq_ignore_ascii_case(value));
    (upper && !is_value).then_some(RefKind::Constant)
}

/// The most tokens of a call's arguments that are skipped to find its name.
const ARGUMENT_TOKENS: usize = 32;

/// The one word that says most about what stands before the `->` or `::` at token
/// `arrow`; see [`Reference::receiver`].
pub(crate) fn receiver(source: &str, tokens: &[Token], arrow: usize) -> Span {
    let Some(last) = arrow.checked_sub(1).map(|at| tokens[at]) else {
        return Span::default();
    };
    match last.kind {
        TokenKind::Variable if last.span.of(source) == "$this" => Span::default(),
        TokenKind::Variable => last.variable_name(),
        TokenKind::Name => last.span,
        TokenKind::Punct(b')') => {
            let mut depth = 0_usize;
            for at in (arrow.saturating_sub(ARGUMENT_TOKENS)..arrow).rev() {
                match tokens[at].kind {
                    TokenKind::Punct(b')') => depth += 1,
                    TokenKind::Punct(b'(') => depth -= 1,
                    _ => {}
                }
                if depth == 0 {
                    let called = at.checked_sub(1).map(|name| tokens[name]);
                    return match called {
                        Some(name) if name.kind == TokenKind::Name => Span {
                            start: name.span.start,
                            end: tokens[at].span.end,
                        },
                        _ => Span::default(),
                    };
                }
            }
            Span::default()
        }
        _ => Span::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::facts;
    use super::*;

    /// The references of `code`, as kind and name.
    fn listed(code: &str) -> Vec<String> {
        let source = format!("<?php {code}");
        let facts = facts(&source);
        let list = facts.references.iter();
        list.map(|r| format!("{:?} {}", r.kind, r.name().of(&source)))
            .collect()
    }

    #[test]
    fn imports_and_used_traits_are_no_references() {
        for code in [
            "use A\\{B, C as D, function e, const F}; use G, H; use function i, J;",
            "class K { use T1, T2; use T3 { T3::a insteadof T1; b as protected c; list as D; } }",
        ] {
            assert_eq!(listed(code), [""; 0], "{code}");
        }
        assert_eq!(listed("use A\\{B, C}; X;"), ["Constant X"]);
        assert_eq!(
            listed("class K { use T { a as b; } const V = X; }"),
            ["Constant X"]
        );
        assert_eq!(
            listed("f(function () use ($a, &$b): R { X; });"),
            ["Function f", "Class R", "Constant X"]
        );
        // Cut off by the cursor.
        assert_eq!(listed("use A\\B class X extends P {}"), ["Class P"]);
        assert_eq!(listed("use A\\{B, $x = new C;"), ["Class C"]);
    }

    #[test]
    fn a_ternary_is_no_nullable_type() {
        assert_eq!(
            listed("$a = f() ? ONE : TWO; g($x) ? h() : THREE; (FOUR) ? FIVE : \\SIX;"),
            [
                "Function f",
                "Constant ONE",
                "Constant TWO",
                "Function g",
                "Function h",
                "Constant THREE",
                "Constant FOUR",
                "Constant FIVE",
                "Constant \\SIX"
            ]
        );
        assert_eq!(
            listed("interface I { function f(): ?R; function g(): S|T; } fn(): (U&V)|W => X;"),
            [
                "Class R",
                "Class S",
                "Class T",
                "Class U",
                "Class V",
                "Class W",
                "Constant X"
            ]
        );
    }

    #[test]
    fn flags_are_constants_and_types_are_classes_however_they_are_written() {
        assert_eq!(
            listed("f(A_FLAG | B_FLAG, MASK & $x, Mixed_Case | $y);"),
            [
                "Function f",
                "Constant A_FLAG",
                "Constant B_FLAG",
                "Constant MASK",
                "Constant Mixed_Case"
            ]
        );
        assert_eq!(
            listed(
                "class C { private PDO|URL $a = X; private (K&L)|M $d; const int N = 1, O = 2; function m(#[Attr(Y)] IO|null $b = Z, \
                 (A&B)|null &...$c): static { try {} catch (E|F) {} } }"
            ),
            [
                "Class PDO",
                "Class URL",
                "Constant X",
                "Class K",
                "Class L",
                "Class M",
                "Class Attr",
                "Constant Y",
                "Class IO",
                "Constant Z",
                "Class A",
                "Class B",
                "Class E",
                "Class F"
            ]
        );
    }

    #[test]
    fn yield_from_names_nothing() {
        assert_eq!(listed("yield from g(); yield FROM $x;"), ["Function g"]);
    }

    #[test]
    fn constants_may_be_called_like_types() {
        assert_eq!(
            listed("get_results($q, OBJECT) ?? TRUE ?: null;"),
            ["Function get_results", "Constant OBJECT"]
        );
    }

    #[test]
    fn references_are_told_apart_by_their_neighbours() {
        let source = "<?php use A\\B; class X extends P implements I, J {
            function m(Foo $a, ?Bar &$b, Baz|Qux ...$c): Ret {
                $a->call()->prop; $a?->x(); S::make(); S::$p; S::CASE; S::class;
                new N; $z instanceof T; fun(1); MAXIMUM + \\GLOB; try {} catch (E $e) {}
                switch ($a) { case FLAG: goto end; } named(arg: 1); true;
            }
        }";
        let facts = facts(source);
        let list: Vec<_> = facts
            .references
            .iter()
            .map(|r| format!("{:?} {}", r.kind, r.name().of(source)))
            .collect();
        assert_eq!(
            list,
            [
                "Class P",
                "Class I",
                "Class J",
                "Class Foo",
                "Class Bar",
                "Class Baz",
                "Class Qux",
                "Class Ret",
                "Method call",
                "Property prop",
                "Method x",
                "Class S",
                "StaticMethod make",
                "Class S",
                "StaticProperty p",
                "Class S",
                "ClassConstant CASE",
                "Class S",
                "Class N",
                "Class T",
                "Function fun",
                "Constant MAXIMUM",
                "Constant \\GLOB",
                "Class E",
                "Constant FLAG",
                "Function named",
            ]
        );
    }

    #[test]
    fn members_know_the_word_before_them() {
        let source = "<?php $x->a(); $this->y->b; $this->c(); f($z, g(1))->d(); K::E; ($q)->h;";
        let facts = facts(source);
        let list: Vec<_> = facts
            .references
            .iter()
            .filter(|r| !matches!(r.kind, RefKind::Function | RefKind::Class))
            .map(|r| (r.receiver().of(source), r.name().of(source)))
            .collect();
        assert_eq!(
            list,
            [
                ("x", "a"),
                ("", "y"),
                ("y", "b"),
                ("", "c"),
                ("f(", "d"),
                ("K", "E"),
                ("", "h")
            ]
        );
    }
}
