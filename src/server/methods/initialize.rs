//! `initialize`: opens a project for the connection.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::value::RawValue;

use super::json;
use crate::cancel::Cancel;
use crate::engine::{Engine, OpenError};
use crate::files::{FilesError, Roots};
use crate::rpc::Error;
use crate::server::params::Params;
use crate::server::project::Connected;
use crate::text::Encoding;

#[derive(Debug, Serialize)]
struct Counts {
    /// Files in the index.
    file_count: usize,
    /// Chunks that BM25 searches; 0 if it was not asked for.
    bm25_chunks: usize,
}

/// Opens the project. Gives the answer and what later requests need.
pub(in crate::server) async fn run(
    engine: &Engine,
    params: Option<&RawValue>,
    cancel: Cancel,
) -> Result<(Box<RawValue>, Connected), Error> {
    let params = Params::read(params)?;
    let root: PathBuf = params.required("project_root", "the path of a directory")?;
    let includes: Vec<PathBuf> = params
        .optional("include_paths", "an array of paths")?
        .unwrap_or_default();
    let bm25 = params.optional("bm25", "true or false")?.unwrap_or(false);
    let encoding: Encoding = params
        .optional("offset_encoding", r#""utf-8", "utf-16" or "utf-32""#)?
        .unwrap_or_default();

    let roots = engine.run(move || roots(&root, &includes)).await??;
    let project = engine
        .project(roots, cancel)
        .await
        .map_err(|error| match error {
            OpenError::Cancelled(_) => Error::cancelled(),
            OpenError::Work(error) => error.into(),
            OpenError::Files(error) => Error::internal(error.to_string()),
        })?;
    let snapshot = project.index.snapshot();
    let counts = Counts {
        file_count: snapshot.files().count(),
        bm25_chunks: if bm25 { snapshot.chunk_count() } else { 0 },
    };
    let connected = Connected {
        project,
        bm25,
        encoding,
    };
    Ok((json(&counts)?, connected))
}

/// The project's folders, with an error that names the parameter at fault.
fn roots(root: &Path, includes: &[PathBuf]) -> Result<Roots, Error> {
    let blame = |name: &'static str| {
        move |error: FilesError| Error::invalid_params(format!("{name}: {error}"))
    };
    Roots::new(root, &[]).map_err(blame("project_root"))?;
    Roots::new(root, includes).map_err(blame("include_paths"))
}
