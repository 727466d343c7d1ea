//! Chooses the holes: positions in the project's own files whose next name
//! another file declares and the file itself writes nowhere else. Only cross-file
//! context can contain such a name.

use rand::RngExt;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use super::native::is_native;
use super::{HoleKind, NameCategory};
use crate::index::symbols::{ClassRef, DeclKind, Declaration, NameKind};
use crate::index::{Snapshot, SourceFile};
use crate::php::lex::{Token, TokenKind, lex};
use crate::php::names::Scope;
use crate::php::{ImportKind, MemberKind, RefKind, Reference};
use crate::text::line_end;

/// The least length of a name that is cut, in bytes.
const MIN_NAME: usize = 4;
/// The most holes of a kind from one file.
const HOLES_PER_FILE: usize = 6;
/// The number of files that are examined at a time.
const BATCH: usize = 256;
/// The most lines of a statement that is cut.
const MAX_STATEMENT_LINES: usize = 12;
/// The most ancestors that are examined for one namespace's imports, beside the
/// imported classes themselves.
const MAX_CLASSES: usize = 64;

/// A name that a hole takes away and the context should hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HiddenName {
    pub(super) category: NameCategory,
    pub(super) ident: String,
}

/// A hole: the bytes cut out of a file, and the names that they hold.
#[derive(Clone, Debug)]
pub(super) struct NameHole<'a> {
    pub(super) file: &'a SourceFile,
    /// The first byte of the cut.
    pub(super) start: usize,
    /// One past the last byte of the cut.
    pub(super) end: usize,
    /// The names in the cut, at least one.
    pub(super) names: Vec<HiddenName>,
}

impl<'a> NameHole<'a> {
    /// The same hole, but the first characters of its name stay: two, or three of
    /// a name of at least eight characters.
    pub(super) fn half_typed(&self) -> Option<Self> {
        let name = self.names.first()?;
        let written = &self.file.text[self.start..];
        let ident = self.start + written.find(&name.ident)?;
        let typed = if name.ident.chars().count() < 8 { 2 } else { 3 };
        let (at, _) = name.ident.char_indices().nth(typed)?;
        Some(Self {
            start: ident + at,
            ..self.clone()
        })
    }
}

/// Up to `most` holes of `kind`. Each file gives one hole before any file gives a
/// second one. The holes depend only on the project's files, `kind`, `seed` and
/// `most`. Files for which `is_source` is false give no holes.
pub(super) fn sample<'a>(
    snapshot: &'a Snapshot,
    kind: HoleKind,
    seed: u64,
    most: usize,
    is_source: &(impl Fn(&str) -> bool + Sync),
) -> Vec<NameHole<'a>> {
    let mut files: Vec<(blake3::Hash, &SourceFile)> = snapshot
        .files()
        .filter(|file| !file.lossy && is_source(&file.path))
        .map(|file| (draw(seed, &[&file.path]), &**file))
        .collect();
    files.sort_by(|a, b| a.0.as_bytes().cmp(b.0.as_bytes()));

    let mut picks: Vec<Vec<NameHole<'a>>> = Vec::new();
    let mut with_one = 0;
    for batch in files.chunks(BATCH) {
        let found: Vec<Vec<NameHole<'a>>> = batch
            .par_iter()
            .map(|(_, file)| pick(snapshot, file, kind, seed))
            .collect();
        with_one += found.iter().filter(|holes| !holes.is_empty()).count();
        picks.extend(found);
        if with_one >= most {
            break;
        }
    }
    let rounds = (0..HOLES_PER_FILE).flat_map(|round| {
        picks
            .iter()
            .filter_map(move |holes| holes.get(round).cloned())
    });
    rounds.take(most).collect()
}

/// A random number that depends on `seed` and `what`.
fn draw(seed: u64, what: &[&str]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes());
    for part in what {
        hasher.update(part.as_bytes());
        hasher.update(&[0]);
    }
    hasher.finalize()
}

/// Some holes of one file in random order. Each hole is drawn from a random
/// category of names, so that rare categories occur.
fn pick<'a>(
    snapshot: &Snapshot,
    file: &'a SourceFile,
    kind: HoleKind,
    seed: u64,
) -> Vec<NameHole<'a>> {
    let foreign = ForeignNames::new(snapshot, file);
    let mut by_category: Vec<(NameCategory, Vec<NameHole<'a>>)> = Vec::new();
    let holes = match kind {
        HoleKind::Identifier | HoleKind::HalfTyped => foreign.lines(false),
        HoleKind::Member => foreign.lines(true),
        HoleKind::Statement => foreign.statements(),
    };
    for hole in holes {
        let Some(category) = hole.names.first().map(|name| name.category) else {
            continue;
        };
        match by_category.iter_mut().find(|(known, _)| *known == category) {
            Some((_, holes)) => holes.push(hole),
            None => by_category.push((category, vec![hole])),
        }
    }
    by_category.sort_by_key(|(category, _)| *category);
    let what = if kind == HoleKind::Statement {
        "statement"
    } else {
        "line"
    };
    let mut rng = ChaCha8Rng::from_seed(*draw(seed, &[&file.path, what]).as_bytes());
    let mut picked = Vec::new();
    while picked.len() < HOLES_PER_FILE && !by_category.is_empty() {
        let group = rng.random_range(0..by_category.len());
        let holes = &mut by_category[group].1;
        picked.push(holes.swap_remove(rng.random_range(0..holes.len())));
        if holes.is_empty() {
            by_category.remove(group);
        }
    }
    picked
}

/// The identifiers in `text`.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_ascii() && !(c.is_ascii_alphanumeric() || c == '_'))
        .filter(|word| !word.is_empty())
}

/// Finds the names in a file that other files declare.
struct ForeignNames<'s, 'a> {
    snapshot: &'s Snapshot,
    file: &'a SourceFile,
    /// How often the file writes each identifier.
    counts: FxHashMap<&'a str, usize>,
    /// The names of the members of the classes that the file imports.
    imported: FxHashSet<(NameKind, String)>,
}

impl<'s, 'a> ForeignNames<'s, 'a> {
    fn new(snapshot: &'s Snapshot, file: &'a SourceFile) -> Self {
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
    fn lines(&self, of_imports: bool) -> Vec<NameHole<'a>> {
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

    /// Holes that cut whole statements.
    fn statements(&self) -> Vec<NameHole<'a>> {
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
            if !names.is_empty() {
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
    fn name(
        &self,
        reference: Reference,
        hole: std::ops::Range<usize>,
        known: &mut FxHashMap<(NameKind, &'a str), bool>,
    ) -> Option<HiddenName> {
        let file = self.file;
        let written = reference.name().of(&file.text);
        let ident = written.rsplit('\\').next().unwrap_or(written);
        let category = NameCategory::from(reference.kind);
        if ident.len() < MIN_NAME || ident.starts_with("__") || is_native(category, ident) {
            return None;
        }
        let all = self.counts.get(ident).copied().unwrap_or(0);
        let cut = words(&file.text[hole])
            .filter(|word| *word == ident)
            .count();
        if all != cut {
            return None;
        }
        let kind = NameKind::from(reference.kind);
        let declared = *known
            .entry((kind, written))
            .or_insert_with(|| self.is_declared_elsewhere(reference, written, ident));
        declared.then(|| HiddenName {
            category,
            ident: ident.to_owned(),
        })
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
fn name_kind(kind: MemberKind) -> NameKind {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::tests::snapshot;

    /// The cut text of each hole, and its names.
    fn cut(files: &[(&str, &str)], kind: HoleKind) -> Vec<String> {
        let snapshot = snapshot(files);
        let holes = sample(&snapshot, kind, 1, 100, &|_| true);
        let mut all: Vec<_> = holes
            .iter()
            .map(|hole| {
                let names: Vec<_> = hole.names.iter().map(|name| &*name.ident).collect();
                let cut = &hole.file.text[hole.start..hole.end];
                format!("{}: {cut} = {}", hole.file.path, names.join(" "))
            })
            .collect();
        all.sort();
        all
    }

    const LIBRARY: (&str, &str) = (
        "lib.php",
        "<?php namespace Lib; class Basket { const LIMIT = 3; public $items; function addItem() {} }
        function helper() {} const DEPTH = 2;",
    );

    #[test]
    fn a_name_is_asked_for_if_only_another_file_tells_it() {
        let using = "<?php namespace App;
            use Lib\\Basket;
            function run(Basket $basket) {
                $basket->addItem(1);
                $basket->items; // $basket->items again
                $basket->getName();
                \\Lib\\helper($basket);
                unknown($basket);
                own();
            }
            function own() {}";
        let using = using.replace("\\\\", "\\");
        let files = [LIBRARY, ("use.php", using.as_str())];
        assert_eq!(
            cut(&files, HoleKind::Identifier),
            [
                "use.php: \\Lib\\helper($basket); = helper",
                "use.php: addItem(1); = addItem",
                "use.php: items; // $basket->items again = items",
            ]
        );
        assert_eq!(
            cut(&files, HoleKind::Member),
            [
                "use.php: addItem(1); = addItem",
                "use.php: items; // $basket->items again = items",
            ]
        );
    }

    #[test]
    fn a_statement_takes_all_its_names_away() {
        let using = "<?php
            if ($x) { $y = Lib\\helper(Lib\\Basket::LIMIT)->addItem(
                \\Lib\\DEPTH); }
            $z = function () { $x->items; };";
        let using = using.replace("\\\\", "\\");
        assert_eq!(
            cut(&[LIBRARY, ("use.php", using.as_str())], HoleKind::Statement),
            [
                "use.php: $x->items; = items",
                "use.php: $y = Lib\\helper(Lib\\Basket::LIMIT)->addItem(\n                \\Lib\\DEPTH); = helper Basket LIMIT addItem DEPTH",
            ]
        );
    }

    #[test]
    fn half_typed_leaves_the_first_characters() {
        let using = "<?php $x->addItem(1); new \\Lib\\Basket;";
        let using = using.replace("\\\\", "\\");
        let files = [LIBRARY, ("use.php", using.as_str())];
        let snapshot = snapshot(&files);
        let holes = sample(&snapshot, HoleKind::Identifier, 1, 10, &|_| true);
        let mut typed: Vec<_> = holes
            .iter()
            .filter_map(NameHole::half_typed)
            .map(|hole| hole.file.text[..hole.start].to_owned())
            .collect();
        typed.sort();
        assert!(typed[0].ends_with("->ad"), "{typed:?}");
        assert!(typed[1].ends_with("\\Lib\\Ba"), "{typed:?}");
    }
}
