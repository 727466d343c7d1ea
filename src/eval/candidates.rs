//! Finds the positions in a file at which a hole can be cut: those whose names other
//! files declare and the file itself writes nowhere else.

use std::ops::Range;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::eval::hole::{HiddenName, NameHole, words};
use crate::eval::kind::NameCategory;
use crate::eval::native::is_native;
use crate::index::symbols::{ClassRef, DeclKind, Declaration, NameKind};
use crate::index::{Snapshot, SourceFile};
use crate::php::lex::{Token, TokenKind, lex};
use crate::php::names::Scope;
use crate::php::{ImportKind, MemberKind, RefKind, Reference};
use crate::text::line_end;

/// The least length of a name that is cut, in bytes.
const MIN_NAME: usize = 4;
/// The most lines of a statement that is cut.
const MAX_STATEMENT_LINES: usize = 12;
/// The most ancestors that are examined for one namespace's imports, beside the
/// imported classes themselves.
const MAX_CLASSES: usize = 64;

/// Finds the names in a file that other files declare.
pub(super) struct ForeignNames<'s, 'a> {
    pub(super) snapshot: &'s Snapshot,
    pub(super) file: &'a SourceFile,
    /// How often the file writes each identifier.
    counts: FxHashMap<&'a str, usize>,
    /// The names of the members of the classes that the file imports.
    imported: FxHashSet<(NameKind, String)>,
}

impl<'s, 'a> ForeignNames<'s, 'a> {
    pub(super) fn new(snapshot: &'s Snapshot, file: &'a SourceFile) -> Self {
        let mut counts = FxHashMap::default();
        for word in words(&file.text) {
            *counts.entry(word).or_default() += 1;
        }
        Self {
            snapshot,
            file,
            counts,
            imported: imported_members(snapshot, file),
        }
    }

    /// Holes from a name to the end of its line. With `of_imports`, only names of
    /// members of classes that the file imports.
    pub(super) fn lines(&self, of_imports: bool) -> Vec<NameHole<'a>> {
        let mut known = FxHashMap::default();
        let mut holes = Vec::new();
        for &reference in &self.file.facts.references {
            let start = reference.name().start as usize;
            let end = line_end(&self.file.text, start);
            if of_imports && !self.is_of_import(reference) {
                continue;
            }
            if let Some(name) = self.name(reference, start..end, &mut known) {
                holes.push(NameHole {
                    file: self.file,
                    start,
                    end,
                    names: vec![name],
                });
            }
        }
        holes
    }

    /// Holes that cut whole statements. With `any`, also those that name nothing of
    /// another file.
    pub(super) fn statements(&self, any: bool) -> Vec<NameHole<'a>> {
        let tokens = lex(&self.file.text);
        let references = &self.file.facts.references;
        let mut known = FxHashMap::default();
        let mut holes: Vec<NameHole<'a>> = Vec::new();
        for (first, last) in statements(&tokens) {
            let span = tokens[first].span.start as usize..tokens[last].span.end as usize;
            if self.file.text[span.clone()].lines().count() > MAX_STATEMENT_LINES {
                continue;
            }
            let inside = references.partition_point(|r| (r.name().start as usize) < span.start);
            let mut names: Vec<HiddenName> = Vec::new();
            for &reference in references[inside..]
                .iter()
                .take_while(|r| (r.name().start as usize) < span.end)
            {
                let name = self.name(reference, span.clone(), &mut known);
                names.extend(name.filter(|name| !names.contains(name)));
            }
            if any || !names.is_empty() {
                holes.push(NameHole {
                    file: self.file,
                    start: span.start,
                    end: span.end,
                    names,
                });
            }
        }
        holes
    }

    /// The name at `reference`, if another file declares it and this file writes
    /// it nowhere outside the bytes `hole`.
    pub(super) fn name(
        &self,
        reference: Reference,
        hole: Range<usize>,
        known: &mut FxHashMap<(NameKind, &'a str), bool>,
    ) -> Option<HiddenName> {
        let file = self.file;
        let written = reference.name().of(&file.text);
        let ident = written.rsplit('\\').next().unwrap_or(written);
        let category = NameCategory::from(reference.kind);
        if is_native(category, ident) || !self.is_asked_for(ident, hole) {
            return None;
        }
        let kind = NameKind::from(reference.kind);
        let declared = *known
            .entry((kind, written))
            .or_insert_with(|| self.is_declared_elsewhere(reference, written, ident));
        declared.then(|| HiddenName {
            category,
            ident: ident.to_owned(),
            declared: None,
        })
    }

    /// Whether the file writes `ident` nowhere outside the bytes `hole`.
    pub(super) fn is_only_in(&self, ident: &str, hole: Range<usize>) -> bool {
        let all = self.counts.get(ident).copied().unwrap_or(0);
        let cut = words(&self.file.text[hole]);
        all == cut.filter(|word| *word == ident).count()
    }

    /// Whether a hole may ask for `ident`, which is not PHP's own: it is long enough,
    /// and the file writes it nowhere outside the bytes `hole`.
    pub(super) fn is_asked_for(&self, ident: &str, hole: Range<usize>) -> bool {
        ident.len() >= MIN_NAME && !ident.starts_with("__") && self.is_only_in(ident, hole)
    }

    /// Whether another file declares the name at `reference`. `written` is the name
    /// as the file spells it, `ident` its last segment.
    fn is_declared_elsewhere(&self, reference: Reference, written: &str, ident: &str) -> bool {
        let Self { snapshot, file, .. } = *self;
        let scope = Scope::at(&file.facts, &file.text, reference.name().start as usize);
        let elsewhere = |declared: &Declaration<'_>| declared.path() != &*file.path;
        let kind = NameKind::from(reference.kind);
        match kind {
            NameKind::Class => scope
                .class(written)
                .is_some_and(|name| snapshot.class(&name, &file.path).is_some()),
            NameKind::Function | NameKind::Constant => {
                let (decl, names) = if kind == NameKind::Function {
                    (DeclKind::Function, scope.function(written))
                } else {
                    (DeclKind::Constant, scope.constant(written))
                };
                let means = |full: &str| names.iter().any(|n| kind.fold(n) == kind.fold(full));
                snapshot
                    .declared(decl, ident)
                    .iter()
                    .any(|d| elsewhere(d) && d.full_name().is_some_and(|full| means(&full)))
            }
            NameKind::Method | NameKind::Property | NameKind::ClassConstant => {
                let fits = |declared: &Declaration<'_>| {
                    declared
                        .member()
                        .is_some_and(|member| name_kind(member.kind) == kind)
                        && kind.fold(declared.short_name()) == kind.fold(ident)
                };
                snapshot
                    .declared(DeclKind::Member, ident)
                    .iter()
                    .any(|d| elsewhere(d) && fits(d))
            }
        }
    }

    /// Whether a class that the file imports has a member of this name.
    fn is_of_import(&self, reference: Reference) -> bool {
        if matches!(
            reference.kind,
            RefKind::Class | RefKind::Function | RefKind::Constant
        ) {
            return false;
        }
        let kind = NameKind::from(reference.kind);
        let name = kind.fold(reference.name().of(&self.file.text));
        self.imported.contains(&(kind, name))
    }
}

/// The kind of the names of such members.
pub(super) fn name_kind(kind: MemberKind) -> NameKind {
    match kind {
        MemberKind::Method => NameKind::Method,
        MemberKind::Property => NameKind::Property,
        MemberKind::Constant | MemberKind::Case => NameKind::ClassConstant,
    }
}

/// The names of the members of the classes that `file` imports, including
/// inherited members.
fn imported_members(snapshot: &Snapshot, file: &SourceFile) -> FxHashSet<(NameKind, String)> {
    let mut names = FxHashSet::default();
    let mut seen: FxHashSet<(&str, usize)> = FxHashSet::default();
    for region in 0..file.facts.namespaces.len() {
        let region = u16::try_from(region).unwrap_or(u16::MAX);
        let imports = Scope::of(&file.facts, &file.text, region).imports();
        let mut classes: Vec<ClassRef<'_>> = imports
            .filter(|import| import.kind == ImportKind::Class)
            .filter_map(|import| snapshot.class(&import.target, &file.path))
            .collect();
        let mut left = classes.len() + MAX_CLASSES;
        while let Some(class) = classes.pop()
            && left > 0
        {
            left -= 1;
            if !seen.insert((class.path, class.item)) {
                continue;
            }
            for member in &class.class().members {
                let kind = name_kind(member.kind);
                names.insert((kind, kind.fold(member.name.of(class.text))));
            }
            let declared = class.class();
            let parents = declared
                .extends
                .iter()
                .chain(&declared.implements)
                .chain(&declared.traits);
            classes.extend(parents.filter_map(|parent| {
                let name = class.scope().class(parent.of(class.text))?;
                snapshot.class(&name, &file.path)
            }));
        }
    }
    names
}

/// The first and the last token of each statement that ends with a semicolon,
/// holds no block and is no declaration.
fn statements(tokens: &[Token]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut first: Option<usize> = None;
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        match token.kind {
            TokenKind::Punct(b'{' | b'}')
            | TokenKind::OpenTag
            | TokenKind::OpenEcho
            | TokenKind::CloseTag
            | TokenKind::Html => {
                first = None;
                depth = 0;
            }
            TokenKind::Punct(b';') if depth == 0 => {
                if let Some(first) = first.take()
                    && !declares(tokens[first].kind)
                {
                    found.push((first, at));
                }
            }
            TokenKind::Doc => {}
            kind => {
                first.get_or_insert(at);
                match kind {
                    TokenKind::Punct(b'(' | b'[') | TokenKind::AttributeOpen => depth += 1,
                    TokenKind::Punct(b')' | b']') => depth = depth.saturating_sub(1),
                    _ => {}
                }
            }
        }
    }
    found
}

/// Whether a token of this kind begins a declaration instead of a statement.
fn declares(first: TokenKind) -> bool {
    matches!(
        first,
        TokenKind::Modifier
            | TokenKind::Function
            | TokenKind::Const
            | TokenKind::Case
            | TokenKind::Use
            | TokenKind::Namespace
            | TokenKind::AttributeOpen
    )
}
