//! Reads declarations out of tokens, in one pass with an explicit stack. Nesting
//! of any depth is read, and the time is in proportion to the length of the
//! input. In broken code the scanner resynchronises at the next member that
//! carries a visibility.

mod classes;
mod imports;
mod members;
mod scanner;

use self::scanner::{DeclarationScanner, OpenBrace};
use super::facts::{ClassKind, FileFacts};
use super::names;
use super::token::{Token, TokenKind};

/// The declarations among `tokens`; [`FileFacts::references`] stays empty.
pub(super) fn declarations(source: &str, tokens: &[Token]) -> FileFacts {
    let mut scanner = DeclarationScanner::new(source, tokens);
    scanner.run();
    names::index_imports(&mut scanner.facts, source);
    scanner.facts
}

impl DeclarationScanner<'_> {
    /// Reads all tokens.
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
                    self.open(OpenBrace::Block);
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
}

#[cfg(test)]
mod tests {
    use crate::php::ClassLike;
    use crate::php::facts;

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
    fn a_doc_comment_belongs_to_the_class_behind_attributes() {
        let doc = |source: &str| {
            let facts = facts(source);
            facts.classes[0].doc.of(source).to_owned()
        };
        for class in [
            "/** D */ #[A] class X {}",
            "/** D */ #[A(1)] #[B([2])] final class X {}",
            "/** D */ #[A] enum X: int {}",
            "#[A] /** D */ interface X {}",
        ] {
            assert_eq!(doc(&format!("<?php {class}")), "/** D */", "{class}");
        }
        for anonymous in [
            "/** D */ $a = new #[A] class {};",
            "/** D */ return new #[A] readonly class(1) extends P {};",
            "/** D */ return new class {};",
        ] {
            assert_eq!(doc(&format!("<?php {anonymous}")), "", "{anonymous}");
        }
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
