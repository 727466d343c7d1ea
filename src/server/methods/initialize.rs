//! `initialize`: opens a project for the connection.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use tower_lsp::ls_types::InitializeParams;

use crate::cancel::Cancel;
use crate::config::ContextSources;
use crate::engine::{Engine, OpenError};
use crate::files::{FilesError, Roots, named_path};
use crate::rpc::Error;
use crate::secrets::InContext;
use crate::server::params::Params;
use crate::server::project::ClientProject;
use crate::server::result::json;
use crate::text::Encoding;

/// The size of the index.
#[derive(Debug, Serialize)]
pub(in crate::server) struct IndexCounts {
    /// The files in the index.
    pub(in crate::server) file_count: usize,
    /// The chunks that BM25 searches; 0 if the client did not ask for it.
    pub(in crate::server) bm25_chunks: usize,
}

/// The options of a client beside the project's root.
struct InitializeOptions {
    includes: Vec<PathBuf>,
    bm25: bool,
    secrets: InContext,
    offsets: Encoding,
}

impl InitializeOptions {
    fn read(params: &Params<'_>, bm25: bool, secrets: InContext) -> Result<Self, Error> {
        Ok(Self {
            includes: params
                .optional("include_paths", "an array of paths")?
                .unwrap_or_default(),
            bm25: params.optional("bm25", "true or false")?.unwrap_or(bm25),
            secrets: params
                .optional("secrets", r#""redact" or "keep""#)?
                .unwrap_or(secrets),
            offsets: params
                .optional("offset_encoding", r#""utf-8", "utf-16" or "utf-32""#)?
                .unwrap_or_default(),
        })
    }
}

/// Opens the project that an NDJSON client names. Returns the answer and what
/// later requests need.
pub(in crate::server) async fn ndjson(
    engine: &Engine,
    params: Option<&RawValue>,
    cancel: Cancel,
) -> Result<(Box<RawValue>, ClientProject), Error> {
    let params = Params::read(params)?;
    let root: PathBuf = params.required("project_root", "the path of a directory")?;
    let options = InitializeOptions::read(&params, false, engine.settings().context.secrets)?;
    let positions = options.offsets;
    let (counts, project) =
        open(engine, ("project_root", root), options, positions, cancel).await?;
    Ok((json(&counts)?, project))
}

/// Opens the project that an LSP client names: in its `initializationOptions`,
/// as its first workspace folder, or as `rootUri`.
pub(in crate::server) async fn lsp(
    engine: &Engine,
    params: &InitializeParams,
    cancel: Cancel,
) -> Result<(IndexCounts, ClientProject), Error> {
    let raw = params
        .initialization_options
        .as_ref()
        .filter(|options| !options.is_null())
        .map(to_raw_value)
        .transpose()
        .map_err(|error| Error::invalid_params(format!("initializationOptions: {error}")))?;
    let own = Params::read(raw.as_deref())?;
    let named: Option<String> = own.optional("project_root", "the path of a directory")?;
    let folders = params.workspace_folders.as_deref().unwrap_or_default();
    if let (None, [_, ignored, ..]) = (&named, folders) {
        tracing::warn!(
            "only the first workspace folder is served, not {}; name others in include_paths",
            ignored.uri.as_str()
        );
    }
    #[expect(deprecated, reason = "clients without workspace folders send it")]
    let root_uri = params.root_uri.as_ref();
    let root = match (named, folders.first(), root_uri) {
        (Some(root), ..) => ("project_root", named_path(&root)),
        (None, Some(folder), _) => ("workspaceFolders", named_path(folder.uri.as_str())),
        (None, None, Some(uri)) => ("rootUri", named_path(uri.as_str())),
        (None, None, None) => {
            return Err(Error::invalid_params(
                "project_root: expected the path of a directory in initializationOptions, \
                 or a workspace folder, or rootUri; found nothing",
            ));
        }
    };
    let options = InitializeOptions::read(&own, true, engine.settings().context.secrets)?;
    open(engine, root, options, positions(params), cancel).await
}

/// The first of the client's position encodings that fimd knows.
fn positions(params: &InitializeParams) -> Encoding {
    let general = params.capabilities.general.as_ref();
    let offered = general.and_then(|general| general.position_encodings.as_ref());
    let mut known = offered.into_iter().flatten().filter_map(|kind| {
        Some(match kind.as_str() {
            "utf-8" => Encoding::Utf8,
            "utf-16" => Encoding::Utf16,
            "utf-32" => Encoding::Utf32,
            _ => return None,
        })
    });
    known.next().unwrap_or(Encoding::Utf16)
}

/// Opens the project at `root`, which the parameter `named_by` names.
async fn open(
    engine: &Engine,
    (named_by, root): (&'static str, PathBuf),
    options: InitializeOptions,
    positions: Encoding,
    cancel: Cancel,
) -> Result<(IndexCounts, ClientProject), Error> {
    let InitializeOptions {
        includes,
        bm25,
        secrets,
        offsets,
    } = options;
    let roots = engine
        .run(move || roots(named_by, &root, &includes))
        .await??;
    let project = engine
        .project(roots, cancel)
        .await
        .map_err(|error| match error {
            OpenError::Cancelled(_) => Error::cancelled(),
            OpenError::Work(error) => error.into(),
            OpenError::Files(error) => Error::internal(error.to_string()),
        })?;
    engine.uses(&project);
    let snapshot = project.index.snapshot();
    let counts = IndexCounts {
        file_count: snapshot.files().count(),
        bm25_chunks: if bm25 { snapshot.chunk_count() } else { 0 },
    };
    let enabled = engine.settings().context.sources;
    let project = ClientProject {
        project,
        sources: ContextSources {
            bm25: bm25 && enabled.bm25,
            ..enabled
        },
        secrets: (secrets == InContext::Redact).then(|| Arc::clone(engine.secrets())),
        offsets,
        positions,
    };
    Ok((counts, project))
}

/// The project's folders. An error names the parameter at fault.
fn roots(named_by: &'static str, root: &Path, includes: &[PathBuf]) -> Result<Roots, Error> {
    let blame = |name: &'static str| {
        move |error: FilesError| Error::invalid_params(format!("{name}: {error}"))
    };
    Roots::new(root, &[]).map_err(blame(named_by))?;
    Roots::new(root, includes).map_err(blame("include_paths"))
}
