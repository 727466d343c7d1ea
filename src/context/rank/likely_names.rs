//! How likely the names are that other files use, for judging what shows them in use.

use rustc_hash::FxHashMap;

use super::mixture::Ranking;
use crate::index::SourceFile;
use crate::index::symbols::{NameKind, used_name};
use crate::php::Span;
use crate::php::names::Scope;

/// The likely names with their probabilities.
pub(in crate::context) struct LikelyNames<'r>(FxHashMap<(NameKind, &'r str), LikelyName>);

/// A likely name, by its number in the ranking.
#[derive(Clone, Copy, Debug)]
pub(in crate::context) struct LikelyName {
    pub(in crate::context) number: usize,
    /// The probability that the code names it next.
    pub(in crate::context) score: f32,
}

impl<'r> LikelyNames<'r> {
    pub(in crate::context) fn of(ranking: &'r Ranking<'_>) -> Self {
        let names = (0..).zip(&ranking.names);
        let names = names.map(|(number, ranked)| {
            let score = ranked.score;
            ((ranked.kind, &*ranked.name), LikelyName { number, score })
        });
        Self(names.collect())
    }

    /// The likely names that the bytes `span` of `file` use, with the bytes at which
    /// they stand, in the order of the file.
    pub(in crate::context) fn used_in(
        &self,
        file: &SourceFile,
        span: Span,
    ) -> Vec<(u32, LikelyName)> {
        let references = &file.facts.references;
        let first = references.partition_point(|r| r.name().start < span.start);
        let inside = references[first..]
            .iter()
            .take_while(|r| r.name().start < span.end);
        let scope = Scope::at(&file.facts, &file.text, span.start as usize);
        let known = inside.filter_map(|reference| {
            let kind = NameKind::from(reference.kind);
            let name = used_name(kind, reference.name().of(&file.text), &scope)?;
            let likely = self.0.get(&(kind, &*name))?;
            Some((reference.name().start, *likely))
        });
        known.collect()
    }
}
