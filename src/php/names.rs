//! PHP's rules of name resolution: the full name of a name as written.
//!
//! <https://www.php.net/manual/en/language.namespaces.rules.php>

use std::cmp::Ordering;

use super::facts::{FileFacts, Import, ImportKind, Namespace};

/// The namespace and the imports that apply at one position of a file.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    facts: &'a FileFacts,
    source: &'a str,
    namespace: u16,
}

impl<'a> Scope<'a> {
    /// The scope at byte `at` of `source`.
    #[must_use]
    pub fn at(facts: &'a FileFacts, source: &'a str, at: usize) -> Self {
        let started = |region: &Namespace| region.body.start as usize <= at;
        let namespace = facts.namespaces.partition_point(started).saturating_sub(1);
        Self::of(facts, source, u16::try_from(namespace).unwrap_or(u16::MAX))
    }

    /// The scope of the namespace region `namespace` of [`FileFacts::namespaces`].
    #[must_use]
    pub fn of(facts: &'a FileFacts, source: &'a str, namespace: u16) -> Self {
        Self {
            facts,
            source,
            namespace,
        }
    }

    /// The current namespace, without leading backslash; empty when global.
    #[must_use]
    pub fn namespace(&self) -> &'a str {
        let region = self.facts.namespaces.get(usize::from(self.namespace));
        region.map_or("", |region| region.name.of(self.source))
    }

    /// The full name of a declaration of `name` here: with the namespace in front.
    #[must_use]
    pub fn declared(&self, name: &str) -> String {
        join(self.namespace(), name)
    }

    /// The fully qualified name, without leading backslash, of the class that
    /// `written` means here. `None` for the types of the language, and for `self`,
    /// `parent` and `static`, which do not depend on name resolution.
    #[must_use]
    pub fn class(&self, written: &str) -> Option<String> {
        if let Some(absolute) = self.absolute(written) {
            return Some(absolute);
        }
        let (first, rest) = split_first(written);
        if rest.is_empty() && is_builtin(first) {
            return None;
        }
        Some(match self.imported(ImportKind::Class, first) {
            Some(target) => join(&target, rest),
            None => self.declared(written),
        })
    }

    /// The fully qualified names that a call of `written` can mean, in PHP's order:
    /// an unqualified name falls back to the global function.
    #[must_use]
    pub fn function(&self, written: &str) -> Vec<String> {
        self.callable(ImportKind::Function, written)
    }

    /// The fully qualified names that the constant `written` can mean, in PHP's order.
    #[must_use]
    pub fn constant(&self, written: &str) -> Vec<String> {
        self.callable(ImportKind::Const, written)
    }

    fn callable(&self, kind: ImportKind, written: &str) -> Vec<String> {
        if let Some(absolute) = self.absolute(written) {
            return vec![absolute];
        }
        let (first, rest) = split_first(written);
        let import = if rest.is_empty() {
            kind
        } else {
            ImportKind::Class
        };
        match self.imported(import, first) {
            Some(target) => vec![join(&target, rest)],
            None if rest.is_empty() && !self.namespace().is_empty() => {
                vec![self.declared(written), written.to_owned()]
            }
            None => vec![self.declared(written)],
        }
    }

    /// `\A\B` and `namespace\A`, which need no imports.
    fn absolute(&self, written: &str) -> Option<String> {
        if let Some(name) = written.strip_prefix('\\') {
            return Some(name.to_owned());
        }
        let (first, rest) = split_first(written);
        (first.eq_ignore_ascii_case("namespace") && !rest.is_empty()).then(|| self.declared(rest))
    }

    /// The full name that the import called `alias` stands for.
    fn imported(&self, kind: ImportKind, alias: &str) -> Option<String> {
        let order = |import: &Import| order(import, self.source, self.namespace, kind, alias);
        let imports = &self.facts.imports_by_alias;
        let first = imports.partition_point(|&at| order(&self.facts.imports[at as usize]).is_lt());
        let found = imports[first..]
            .iter()
            .map(|&at| &self.facts.imports[at as usize])
            .take_while(|import| order(import).is_eq())
            // Only the names of constants are case-sensitive.
            .find(|import| kind != ImportKind::Const || alias_of(import, self.source) == alias)?;
        Some(self.target(found))
    }

    /// The full name that an import stands for.
    fn target(&self, import: &Import) -> String {
        let prefix = import.prefix.of(self.source).trim_start_matches('\\');
        join(prefix, import.name.of(self.source).trim_start_matches('\\'))
    }

    /// All imports that apply here.
    pub fn imports(self) -> impl Iterator<Item = ResolvedImport<'a>> {
        let here = self
            .facts
            .imports
            .iter()
            .filter(move |import| import.namespace == self.namespace);
        here.map(move |import| ResolvedImport {
            kind: import.kind,
            alias: alias_of(import, self.source),
            target: self.target(import),
        })
    }
}

/// One resolved import of a [`Scope`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedImport<'a> {
    /// The kind of thing.
    pub kind: ImportKind,
    /// The name it has here.
    pub alias: &'a str,
    /// Its full name, without leading backslash.
    pub target: String,
}

/// The name under which an import can be used in `source`.
fn alias_of<'a>(import: &Import, source: &'a str) -> &'a str {
    match import.alias.of(source) {
        "" => {
            let name = import.name.of(source);
            name.rsplit('\\').next().unwrap_or(name)
        }
        alias => alias,
    }
}

/// Compares `import` with an import of this namespace, kind and alias, in the order
/// of [`FileFacts::imports_by_alias`].
fn order(import: &Import, source: &str, namespace: u16, kind: ImportKind, alias: &str) -> Ordering {
    let folded = |byte: u8| byte.to_ascii_lowercase();
    (import.namespace, import.kind)
        .cmp(&(namespace, kind))
        .then_with(|| {
            let own = alias_of(import, source).bytes().map(folded);
            own.cmp(alias.bytes().map(folded))
        })
}

/// Fills [`FileFacts::imports_by_alias`], by which the lookup of a name is a binary
/// search.
pub(super) fn index_imports(facts: &mut FileFacts, source: &str) {
    let uses = &facts.imports;
    facts.imports_by_alias = (0..uses.len() as u32).collect();
    facts.imports_by_alias.sort_by(|&a, &b| {
        let (a, b) = (&uses[a as usize], &uses[b as usize]);
        order(a, source, b.namespace, b.kind, alias_of(b, source))
    });
}

fn split_first(name: &str) -> (&str, &str) {
    name.split_once('\\').unwrap_or((name, ""))
}

fn join(namespace: &str, name: &str) -> String {
    match (namespace, name) {
        ("", name) => name.to_owned(),
        (namespace, "") => namespace.to_owned(),
        (namespace, name) => format!("{namespace}\\{name}"),
    }
}

/// Whether `name` is a type or a value of the language, and not a name that code can
/// declare.
pub(super) fn is_builtin(name: &str) -> bool {
    // Doc comments use these words as types. In code they are no keywords, so with
    // another case they may name a class.
    if matches!(name, "resource" | "boolean" | "integer" | "double") {
        return true;
    }
    let mut lower = [0; 8];
    let Some(lower) = lower.get_mut(..name.len()) else {
        return false;
    };
    lower.copy_from_slice(name.as_bytes());
    lower.make_ascii_lowercase();
    matches!(
        &*lower,
        b"self"
            | b"parent"
            | b"static"
            | b"int"
            | b"float"
            | b"string"
            | b"bool"
            | b"array"
            | b"iterable"
            | b"callable"
            | b"object"
            | b"mixed"
            | b"void"
            | b"never"
            | b"null"
            | b"true"
            | b"false"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_resolve_as_php_does() {
        let source = "<?php namespace App\\Http;
            use Lib\\Model\\{Order, Customer as Buyer, Sub\\Deep};
            use function Lib\\help; use const Lib\\{MAX, MIN as LOW};
            use Lib\\{function fun, const CON, Cls};
            use Other;";
        let facts = super::super::facts(source);
        let scope = Scope::at(&facts, source, source.len());
        let class = |name: &str| scope.class(name).unwrap_or_default();
        assert_eq!(class("Order"), "Lib\\Model\\Order");
        assert_eq!(class("buyer"), "Lib\\Model\\Customer");
        assert_eq!(class("Customer"), "App\\Http\\Customer");
        assert_eq!(class("Deep\\X"), "Lib\\Model\\Sub\\Deep\\X");
        assert_eq!(class("Other"), "Other");
        assert_eq!(class("Cls"), "Lib\\Cls");
        assert_eq!(class("\\A\\B"), "A\\B");
        assert_eq!(class("namespace\\B"), "App\\Http\\B");
        assert_eq!(scope.class("self"), None);
        assert_eq!(scope.class("INT"), None);
        assert_eq!(scope.class("boolean"), None);
        assert_eq!(class("Resource"), "App\\Http\\Resource");
        assert_eq!(scope.function("help"), ["Lib\\help"]);
        assert_eq!(scope.function("fun"), ["Lib\\fun"]);
        assert_eq!(scope.function("strlen"), ["App\\Http\\strlen", "strlen"]);
        assert_eq!(scope.function("Order\\f"), ["Lib\\Model\\Order\\f"]);
        assert_eq!(scope.constant("MAX"), ["Lib\\MAX"]);
        assert_eq!(scope.constant("LOW"), ["Lib\\MIN"]);
        assert_eq!(scope.constant("CON"), ["Lib\\CON"]);
        assert_eq!(scope.constant("low"), ["App\\Http\\low", "low"]);
    }

    #[test]
    fn each_namespace_region_has_its_own_imports() {
        let source = "<?php namespace A { use X\\Y; } namespace { use Z\\Y; }";
        let facts = super::super::facts(source);
        let at = |needle: &str| source.find(needle).unwrap_or_default();
        assert_eq!(
            Scope::at(&facts, source, at("use X")).class("Y").unwrap(),
            "X\\Y"
        );
        assert_eq!(
            Scope::at(&facts, source, at("use Z")).class("Y").unwrap(),
            "Z\\Y"
        );
        assert_eq!(Scope::at(&facts, source, at("use Z")).namespace(), "");
    }
}
