//! `initialize`: opens a project for the connection.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};
use tower_lsp::ls_types::InitializeParams;

use crate::cancel::Cancel;
use crate::config::{ClientSettings, SettingsError};
use crate::engine::Engine;
use crate::files::{FilesError, Roots, named_path};
use crate::rpc::Error;
use crate::secrets::InContext;
use crate::server::file_projects::FileProjects;
use crate::server::params::Params;
use crate::server::project::{ClientOptions, ClientProject, CurrentProject};
use crate::server::result::json;
use crate::server::session_projects::SessionProjects;
use crate::text::Encoding;

/// The size of the index.
#[derive(Debug, Default, Serialize)]
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
    secrets: Option<InContext>,
    offsets: Encoding,
}

impl InitializeOptions {
    fn read(params: &Params<'_>, bm25: bool) -> Result<Self, Error> {
        Ok(Self {
            includes: params
                .optional("include_paths", "an array of paths")?
                .unwrap_or_default(),
            bm25: params.optional("bm25", "true or false")?.unwrap_or(bm25),
            secrets: params.optional("secrets", r#""redact" or "keep""#)?,
            offsets: params
                .optional("offset_encoding", r#""utf-8", "utf-16" or "utf-32""#)?
                .unwrap_or_default(),
        })
    }

    /// The options as the session keeps them, and the include paths. `positions` is
    /// the unit of the client's positions.
    fn for_client(self, engine: &Engine, positions: Encoding) -> (ClientOptions, Vec<PathBuf>) {
        let options = ClientOptions {
            bm25: self.bm25,
            asked_secrets: self.secrets,
            engine: engine.clone(),
            offsets: self.offsets,
            positions,
        };
        (options, self.includes)
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
    let options = InitializeOptions::read(&params, false)?;
    let own = own_settings(&params)?;
    let positions = options.offsets;
    let (counts, project) =
        open(engine, ("project_root", root), options, positions, cancel).await?;
    engine.set_client_settings(own).map_err(wrong_settings)?;
    Ok((json(&counts)?, project))
}

/// Opens the project that an LSP client names. Without one, fimd finds the project
/// of each file when a request needs it. Returns the unit of the client's positions,
/// too.
pub(in crate::server) async fn lsp(
    engine: &Engine,
    params: &InitializeParams,
    cancel: Cancel,
) -> Result<(IndexCounts, SessionProjects, Encoding), Error> {
    let raw = params
        .initialization_options
        .as_ref()
        .filter(|options| !options.is_null())
        .map(to_raw_value)
        .transpose()
        .map_err(|error| Error::invalid_params(format!("initializationOptions: {error}")))?;
    let own = Params::read(raw.as_deref())?;
    let root = root(&own, params)?;
    let options = InitializeOptions::read(&own, true)?;
    let own_settings = own_settings(&own)?;
    let positions = positions(params);
    let Some(root) = root else {
        engine
            .set_client_settings(own_settings)
            .map_err(wrong_settings)?;
        let (options, includes) = options.for_client(engine, positions);
        let projects = FileProjects::new(engine.clone(), options, includes);
        let projects = SessionProjects::ByFile(Arc::new(projects));
        return Ok((IndexCounts::default(), projects, positions));
    };
    let (counts, project) = open(engine, root, options, positions, cancel).await?;
    engine
        .set_client_settings(own_settings)
        .map_err(wrong_settings)?;
    let current = CurrentProject::known(Some(Arc::new(project)));
    Ok((counts, SessionProjects::Named(current), positions))
}

/// The settings that the client has of its own.
fn own_settings(params: &Params<'_>) -> Result<ClientSettings, Error> {
    let own: Option<Value> = params.optional("settings", "an object")?;
    ClientSettings::read(&own.unwrap_or_default()).map_err(wrong_settings)
}

fn wrong_settings(error: SettingsError) -> Error {
    Error::invalid_params(error.to_string())
}

/// The root that an LSP client names, and the parameter that names it: one of its
/// `initializationOptions`, its first workspace folder, `rootUri`, or `rootPath`.
fn root(
    options: &Params<'_>,
    params: &InitializeParams,
) -> Result<Option<(&'static str, PathBuf)>, Error> {
    let named: Option<String> = options.optional("project_root", "the path of a directory")?;
    let folders = params.workspace_folders.as_deref().unwrap_or_default();
    if let (None, [_, ignored, ..]) = (&named, folders) {
        tracing::warn!(
            "only the first workspace folder is served, not {}; name others in include_paths",
            ignored.uri.as_str()
        );
    }
    #[expect(deprecated, reason = "clients without workspace folders send them")]
    let (root_uri, root_path) = (params.root_uri.as_ref(), params.root_path.as_deref());
    let candidates = [
        ("project_root", named.as_deref()),
        (
            "workspaceFolders",
            folders.first().map(|folder| folder.uri.as_str()),
        ),
        ("rootUri", root_uri.map(|uri| uri.as_str())),
        ("rootPath", root_path.filter(|path| !path.is_empty())),
    ];
    let mut roots = candidates
        .into_iter()
        .filter_map(|(named_by, root)| Some((named_by, named_path(root?))));
    Ok(roots.next())
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
    let bm25 = options.bm25;
    let (options, includes) = options.for_client(engine, positions);
    let roots = engine
        .run(move || roots(named_by, &root, &includes))
        .await??;
    let project = engine.project(roots, cancel).await?;
    engine.uses(&project);
    let snapshot = project.index.snapshot();
    let counts = IndexCounts {
        file_count: snapshot.files().count(),
        bm25_chunks: if bm25 { snapshot.chunk_count() } else { 0 },
    };
    Ok((counts, ClientProject::new(project, options)))
}

/// The project's folders. An error names the parameter at fault.
fn roots(named_by: &'static str, root: &Path, includes: &[PathBuf]) -> Result<Roots, Error> {
    let blame = |name: &'static str| {
        move |error: FilesError| Error::invalid_params(format!("{name}: {error}"))
    };
    Roots::new(root, &[]).map_err(blame(named_by))?;
    Roots::new(root, includes).map_err(blame("include_paths"))
}
