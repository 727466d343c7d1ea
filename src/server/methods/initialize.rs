//! `initialize`: opens the projects of the connection.

use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};
use tower_lsp::ls_types::{InitializeParams, WorkspaceFoldersChangeEvent};

use crate::config::{ClientSettings, SettingsError};
use crate::engine::Engine;
use crate::files::{Extensions, named_path, resolve};
use crate::rpc::Error;
use crate::secrets::InContext;
use crate::server::client_projects::{ClientProjects, NamedFolder};
use crate::server::params::Params;
use crate::server::project::ClientOptions;
use crate::server::result::json;
use crate::text::Encoding;

/// The size of the indexes of the projects that the client names.
#[derive(Debug, Default, Serialize)]
pub(in crate::server) struct IndexCounts {
    /// The files in the indexes.
    pub(in crate::server) file_count: usize,
    /// The chunks that BM25 searches; 0 if the client did not ask for it.
    pub(in crate::server) bm25_chunks: usize,
}

/// The parameter that names one project.
const PROJECT_ROOT: &str = "project_root";

/// The parameter that names folders.
const ROOTS: &str = "roots";

/// A folder that the client names, and the parameter that names it.
struct NamedPath {
    named_by: &'static str,
    path: PathBuf,
}

impl NamedPath {
    /// Finds the folder.
    fn folder(&self) -> Result<NamedFolder, Error> {
        let Self { named_by, path } = self;
        NamedFolder::new(path, *named_by == PROJECT_ROOT)
            .map_err(|error| Error::invalid_params(format!("{named_by}: {error}")))
    }
}

/// fimd's own parameters, which both framings have.
struct InitializeOptions {
    /// The folders of `project_root` and `roots`.
    named: Vec<NamedPath>,
    includes: Vec<PathBuf>,
    bm25: bool,
    secrets: Option<InContext>,
    offsets: Encoding,
    extensions: Option<Extensions>,
}

impl InitializeOptions {
    fn read(params: &Params<'_>, bm25: bool) -> Result<Self, Error> {
        let project: Option<String> = params.optional(PROJECT_ROOT, "the path of a directory")?;
        let roots: Option<Vec<String>> = params.optional(ROOTS, "an array of paths")?;
        let project = project.into_iter().map(|path| (PROJECT_ROOT, path));
        let roots = roots.into_iter().flatten().map(|path| (ROOTS, path));
        let named = project.chain(roots).map(|(named_by, path)| NamedPath {
            named_by,
            path: named_path(&path),
        });
        Ok(Self {
            named: named.collect(),
            includes: params
                .optional("include_paths", "an array of paths")?
                .unwrap_or_default(),
            bm25: params.optional("bm25", "true or false")?.unwrap_or(bm25),
            secrets: params.optional("secrets", r#""redact" or "keep""#)?,
            offsets: params
                .optional("offset_encoding", r#""utf-8", "utf-16" or "utf-32""#)?
                .unwrap_or_default(),
            extensions: params.optional(
                "extensions",
                r#"an array of endings such as "php" and "inc""#,
            )?,
        })
    }
}

/// Opens the projects that an NDJSON client names. Returns the answer and what
/// later requests need.
pub(in crate::server) async fn ndjson(
    engine: &Engine,
    params: Option<&RawValue>,
) -> Result<(Box<RawValue>, Arc<ClientProjects>), Error> {
    let params = Params::read(params)?;
    let options = InitializeOptions::read(&params, false)?;
    if options.named.is_empty() {
        // The error says what is missing.
        params.raw(PROJECT_ROOT, "the path of a directory")?;
    }
    let own = own_settings(&params)?;
    let find = |named: &[NamedPath]| named.iter().map(NamedPath::folder).collect();
    let positions = options.offsets;
    let (counts, projects) = open(engine, options, find, positions).await?;
    engine.set_client_settings(own).map_err(wrong_settings)?;
    Ok((json(&counts)?, projects))
}

/// Opens the projects that an LSP client names. Without one, fimd finds the project
/// of each file when a request needs it. Returns the unit of the client's positions,
/// too.
pub(in crate::server) async fn lsp(
    engine: &Engine,
    params: &InitializeParams,
) -> Result<(IndexCounts, Arc<ClientProjects>, Encoding), Error> {
    let raw = params
        .initialization_options
        .as_ref()
        .filter(|options| !options.is_null())
        .map(to_raw_value)
        .transpose()
        .map_err(|error| Error::invalid_params(format!("initializationOptions: {error}")))?;
    let own = Params::read(raw.as_deref())?;
    let mut options = InitializeOptions::read(&own, true)?;
    if options.named.is_empty() {
        options.named = workspace(params);
    }
    let own_settings = own_settings(&own)?;
    let positions = positions(params);
    let (counts, projects) = open(engine, options, readable, positions).await?;
    engine
        .set_client_settings(own_settings)
        .map_err(wrong_settings)?;
    Ok((counts, projects, positions))
}

/// The settings that the client has of its own.
fn own_settings(params: &Params<'_>) -> Result<ClientSettings, Error> {
    let own: Option<Value> = params.optional("settings", "an object")?;
    ClientSettings::read(&own.unwrap_or_default()).map_err(wrong_settings)
}

fn wrong_settings(error: SettingsError) -> Error {
    Error::invalid_params(error.to_string())
}

/// The folders that LSP's own parameters name: the workspace folders, else `rootUri`,
/// else `rootPath`.
fn workspace(params: &InitializeParams) -> Vec<NamedPath> {
    let folders = params.workspace_folders.iter().flatten();
    let folders = folders.map(|folder| ("workspaceFolders", folder.uri.as_str()));
    #[expect(deprecated, reason = "clients without workspace folders send them")]
    let (root_uri, root_path) = (params.root_uri.as_ref(), params.root_path.as_deref());
    let root_uri = root_uri.map(|uri| ("rootUri", uri.as_str()));
    let root_path = root_path.filter(|path| !path.is_empty());
    let root = root_uri.or(root_path.map(|path| ("rootPath", path)));
    let mut named: Vec<_> = folders.collect();
    if named.is_empty() {
        named.extend(root);
    }
    let path = |(named_by, name)| NamedPath {
        named_by,
        path: named_path(name),
    };
    named.into_iter().map(path).collect()
}

/// The folders of a workspace. Leaves out those that cannot be read, which a workspace
/// may have, and logs them.
///
/// # Errors
/// If there are folders and none can be read.
fn readable(named: &[NamedPath]) -> Result<Vec<NamedFolder>, Error> {
    let (mut folders, mut errors) = (Vec::new(), Vec::new());
    for path in named {
        match path.folder() {
            Ok(folder) => folders.push(folder),
            Err(error) => errors.push(error),
        }
    }
    match errors.into_iter().next() {
        Some(error) if folders.is_empty() => Err(error),
        Some(error) => {
            tracing::warn!("left out: {error}");
            Ok(folders)
        }
        None => Ok(folders),
    }
}

/// Changes the folders in which a client works. Returns those that are new.
pub(in crate::server) fn change_folders(
    projects: &ClientProjects,
    change: &WorkspaceFoldersChangeEvent,
) -> Vec<NamedFolder> {
    let mut folders = projects.folders();
    for removed in &change.removed {
        // The folder may be gone from the disk.
        let path = resolve(&named_path(removed.uri.as_str()));
        folders.retain(|folder| folder.path != path);
    }
    let mut added = Vec::new();
    for folder in &change.added {
        let path = named_path(folder.uri.as_str());
        match NamedFolder::new(&path, false) {
            Ok(folder) if !folders.contains(&folder) => added.push(folder),
            Ok(_) => {}
            Err(error) => tracing::warn!("workspaceFolders: left out: {error}"),
        }
    }
    folders.extend(added.iter().cloned());
    projects.work_in(folders);
    added
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

/// Opens the projects at the folders that the options name and `find` finds.
async fn open(
    engine: &Engine,
    options: InitializeOptions,
    find: impl FnOnce(&[NamedPath]) -> Result<Vec<NamedFolder>, Error> + Send + 'static,
    positions: Encoding,
) -> Result<(IndexCounts, Arc<ClientProjects>), Error> {
    let InitializeOptions {
        named,
        includes,
        bm25,
        secrets,
        offsets,
        extensions,
    } = options;
    let folders = engine.run(move || find(&named)).await??;
    let base = folders.first().map(|folder| folder.path.clone());
    let options = ClientOptions {
        bm25,
        asked_secrets: secrets,
        engine: engine.clone(),
        offsets,
        extensions,
        positions,
        base: base.unwrap_or_else(|| "/".into()),
    };
    let projects = ClientProjects::new(engine.clone(), options, folders, includes);
    let mut counts = IndexCounts::default();
    for folder in projects.folders() {
        let project = projects.open(&folder.path).await?;
        let snapshot = project.index.snapshot();
        counts.file_count += snapshot.file_count();
        if bm25 {
            counts.bm25_chunks += snapshot.chunk_count();
        }
    }
    Ok((counts, Arc::new(projects)))
}
