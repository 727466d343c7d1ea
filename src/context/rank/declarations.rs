//! From names to declarations: the declarations that a likely name most
//! probably stands for.

use rustc_hash::{FxHashMap, FxHashSet};

use super::mixture::Ranking;
use super::names::name_kind;
use crate::cancel::{Cancel, Cancelled};
use crate::context::candidate::{Candidate, ScoredCandidate};
use crate::context::infer::{ClassMembers, Inference, is_visible};
use crate::context::weights::{
    CALLEE, CALLEES, COMMON_CALLEE, COMMON_DECLARATION, NEXT_OWNER, OWNERS,
};
use crate::index::symbols::{DeclKind, Declaration, NameKind, UseKey};

/// The declarations of the likely names of `ranking`.
///
/// # Errors
/// [`Cancelled`] once `cancel` is set.
pub(in crate::context) fn likely_declarations<'a>(
    inference: &'a Inference<'a>,
    ranking: &Ranking<'a>,
    cancel: &Cancel,
) -> Result<Vec<ScoredCandidate<'a>>, Cancelled> {
    let mut finder = DeclarationFinder::new(inference, ranking);
    let mut likely = ranking.certain.clone();
    if let Some(name) = &ranking.callee {
        let declared = finder.owners(name.0, &name.1, COMMON_CALLEE);
        let declared = declared.into_iter().take(CALLEES);
        likely.extend(
            declared
                .enumerate()
                .map(|(rank, declared)| ScoredCandidate {
                    candidate: Candidate::Declared(declared),
                    score: CALLEE / (1.0 + rank as f32),
                }),
        );
    }
    for ranked in &ranking.names {
        cancel.check()?;
        let score = ranked.score;
        if let Some(candidate) = ranked.candidate {
            likely.push(ScoredCandidate { candidate, score });
            continue;
        }
        let declared = finder.owners(ranked.kind, &ranked.name, COMMON_DECLARATION);
        // The first owner is the likeliest, each further one less likely.
        let shares: f32 = (0..declared.len())
            .map(|rank| NEXT_OWNER.powi(rank as i32))
            .sum();
        for (rank, declared) in declared.into_iter().enumerate() {
            likely.push(ScoredCandidate {
                candidate: Candidate::Declared(declared),
                score: score * NEXT_OWNER.powi(rank as i32) / shares,
            });
        }
    }
    Ok(likely)
}

/// Finds the declarations that a name may stand for at the cursor.
struct DeclarationFinder<'n, 'a> {
    inference: &'a Inference<'a>,
    /// The members of the class at the cursor.
    from: Option<&'a ClassMembers<'a>>,
    /// Members of the classes that matter here, those of the most relevant
    /// class first.
    relevant: FxHashMap<(NameKind, &'n str), Vec<Declaration<'a>>>,
    /// The rank of the package classes that matter here, and of those that they inherit
    /// from, by their places. The most relevant is the first.
    packaged: FxHashMap<(usize, usize), usize>,
    /// How many files use a class, by its place.
    uses: FxHashMap<(usize, usize), usize>,
}

impl<'n, 'a> DeclarationFinder<'n, 'a> {
    fn new(inference: &'a Inference<'a>, ranking: &'n Ranking<'a>) -> Self {
        let named = ranking.names.iter().map(|ranked| &ranked.name);
        let named = named.chain(ranking.callee.iter().map(|(_, name)| name));
        let names: FxHashSet<&str> = named.map(|name| &**name).collect();
        let from = inference.members_at_cursor();
        let mut folded = String::new();
        let has_packages = inference.lookup.packages().is_some();
        let mut relevant: FxHashMap<(NameKind, &'n str), Vec<Declaration<'a>>> =
            FxHashMap::default();
        let mut packaged = FxHashMap::default();
        for name in &ranking.relevant {
            let Some(class) = inference.lookup.outside_folded(name) else {
                continue;
            };
            let hierarchy = has_packages.then(|| inference.members(class).hierarchy());
            for owner in hierarchy.into_iter().flatten() {
                if inference.lookup.is_packaged(owner.path) {
                    let next = packaged.len();
                    packaged.entry(owner.place()).or_insert(next);
                }
            }
            for (index, member) in class.class().members.iter().enumerate() {
                let kind = name_kind(member.kind);
                folded.clear();
                folded.push_str(member.name.of(class.text));
                if kind == NameKind::Method {
                    folded.make_ascii_lowercase();
                }
                let Some(name) = names.get(&*folded) else {
                    continue;
                };
                if !is_visible(member.visibility, class, from) {
                    continue;
                }
                let owners = relevant.entry((kind, *name)).or_default();
                if owners.len() < OWNERS {
                    owners.push(Declaration::Member(class, index));
                }
            }
        }
        Self {
            inference,
            from,
            relevant,
            packaged,
            uses: FxHashMap::default(),
        }
    }

    /// The declarations that the name `text` of this kind may stand for here, likeliest
    /// first. A name with more than `common` declarations stands for none.
    fn owners(&mut self, kind: NameKind, text: &str, common: usize) -> Vec<Declaration<'a>> {
        let (snapshot, path) = (self.inference.snapshot, self.inference.buffer.path);
        let decl = match kind {
            NameKind::Class => {
                let class = self.inference.lookup.outside(text);
                return class.map(Declaration::Class).into_iter().collect();
            }
            NameKind::Function => DeclKind::Function,
            NameKind::Constant => DeclKind::Constant,
            NameKind::Method | NameKind::Property | NameKind::ClassConstant => DeclKind::Member,
        };
        if let Some(owners) = self.relevant.get(&(kind, text)) {
            return owners.clone();
        }
        // A name with very many declarations tells nothing of one class.
        let mut found = snapshot.declared_up_to(common, decl, text);
        found.retain(|declared| declared.path() != path && self.fits(declared, kind, text));
        // The buffer's own constant is not that of another file.
        if decl == DeclKind::Constant && self.inference.buffer.declares_constant(text) {
            return Vec::new();
        }
        if decl != DeclKind::Member {
            if found.is_empty() {
                found = self.in_packages(decl, kind, text);
            }
            // The real declaration is longer than a stub of it.
            found.sort_by_key(|declared| std::cmp::Reverse(declared.source_len()));
            found.truncate(1);
            return found;
        }
        if found.len() > 1 {
            found.sort_by_cached_key(|declared| std::cmp::Reverse(self.owner_uses(declared)));
        }
        let packaged = self.in_packages(decl, kind, text);
        let is_relevant = packaged
            .first()
            .is_some_and(|first| self.rank(first).is_some());
        if is_relevant {
            found.splice(..0, packaged);
        } else {
            found.extend(packaged);
        }
        found.truncate(OWNERS);
        found
    }

    /// The declarations of packages that `name` may stand for, those of the most
    /// relevant classes first, then those that most files of the project use.
    fn in_packages(&mut self, decl: DeclKind, kind: NameKind, name: &str) -> Vec<Declaration<'a>> {
        let Some(packages) = self.inference.lookup.packages() else {
            return Vec::new();
        };
        let found = packages.named(decl, name);
        let mut found: Vec<_> = found
            .filter(|declared| self.fits(declared, kind, name))
            .collect();
        if found.len() > COMMON_DECLARATION {
            found.retain(|declared| self.rank(declared).is_some());
        }
        found.sort_by_cached_key(|declared| {
            let rank = self.rank(declared).unwrap_or(usize::MAX);
            (rank, std::cmp::Reverse(self.owner_uses(declared)))
        });
        found.truncate(OWNERS);
        found
    }

    /// The rank of the class of a package's member, if it matters here.
    fn rank(&self, declared: &Declaration<'a>) -> Option<usize> {
        match declared {
            Declaration::Member(class, _) => self.packaged.get(&class.place()).copied(),
            _ => None,
        }
    }

    /// Whether `declared` may stand for the folded `name` of this kind at the cursor.
    fn fits(&self, declared: &Declaration<'a>, kind: NameKind, name: &str) -> bool {
        let is_usable = match (declared, declared.member()) {
            (Declaration::Member(class, _), Some(member)) => {
                name_kind(member.kind) == kind && is_visible(member.visibility, *class, self.from)
            }
            _ => true,
        };
        is_usable && kind.is_folded(declared.short_name(), name)
    }

    /// How many files use the class that a member belongs to.
    fn owner_uses(&mut self, declared: &Declaration<'a>) -> usize {
        let Declaration::Member(class, _) = declared else {
            return 0;
        };
        let count = || {
            let owner = NameKind::Class.fold(&class.name());
            let snapshot = self.inference.snapshot;
            snapshot.users(UseKey::Name(NameKind::Class, &owner))
        };
        *self.uses.entry(class.place()).or_insert_with(count)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::cancel::Cancel;
    use crate::context::{ContextRequest, assemble};
    use crate::index::{Index, SourceFile};
    use crate::php;

    #[test]
    fn a_constant_of_the_buffer_is_not_that_of_another_file() {
        let files = [
            ("sample.php", "<?php\ndefine( 'DB_HOST', 'localhost' );\n"),
            ("db.php", "<?php\nconnect(DB_HOST);\nping(DB_HOST, 'x');\n"),
            (
                "pool.php",
                "<?php\nconnect(DB_HOST);\nping(DB_HOST, 'y');\n",
            ),
        ];
        let files = files.map(|(path, text)| {
            let facts = php::facts(text);
            Arc::new(SourceFile::new(path.into(), text.into(), false, facts))
        });
        let snapshot = Index::build(files.into()).snapshot();
        let shown = |before: &str| {
            let content = [before, "\nconnect(DB_HOST);\n"].concat();
            let request = ContextRequest {
                max_chars: 1000,
                bm25: true,
                ..ContextRequest::for_test("config.php", &content, before.len())
            };
            let context = assemble(&snapshot, &request, &Cancel::default());
            let line = "define('DB_HOST', 'localhost');";
            context.unwrap().text.lines().any(|shown| shown == line)
        };
        assert!(shown("<?php\nping("));
        assert!(!shown("<?php\ndefine('DB_HOST', '"));
        assert!(!shown("<?php\ndefine('DB_HOST', 'elsewhere');\nping("));
    }
}
