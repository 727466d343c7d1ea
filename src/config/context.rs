//! The section `[context]`: the contexts that editors get.

use serde::{Deserialize, Deserializer};

use super::values::{accept, choice};
use crate::secrets::InContext;

/// The contexts that editors get.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ContextSettings {
    /// What becomes of secrets in them, unless a client asks otherwise.
    #[serde(deserialize_with = "secrets")]
    pub secrets: InContext,
    /// Their sources: the key `enabled_sources`.
    #[serde(rename = "enabled_sources", deserialize_with = "sources")]
    pub sources: ContextSources,
}

/// The sources of contexts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContextSources {
    /// Declarations that names resolve to.
    pub dependencies: bool,
    /// Chunks found by BM25, for a client that asks for them.
    pub bm25: bool,
}

impl ContextSources {
    /// No source: the context is empty.
    pub const NONE: Self = Self {
        dependencies: false,
        bm25: false,
    };
}

impl Default for ContextSources {
    fn default() -> Self {
        Self {
            dependencies: true,
            bm25: true,
        }
    }
}

fn secrets<'de, D: Deserializer<'de>>(deserializer: D) -> Result<InContext, D::Error> {
    let choices = [("redact", InContext::Redact), ("keep", InContext::Keep)];
    choice(deserializer, &choices)
}

fn sources<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ContextSources, D::Error> {
    let expected = r#"an array of "dependencies" and "bm25""#;
    accept(deserializer, expected, |value| {
        let mut sources = ContextSources {
            dependencies: false,
            bm25: false,
        };
        for name in value.as_array()? {
            match name.as_str()? {
                "dependencies" => sources.dependencies = true,
                "bm25" => sources.bm25 = true,
                _ => return None,
            }
        }
        Some(sources)
    })
}
