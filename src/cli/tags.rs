//! `fimd tags`: parses, checks and runs the FIMpad tags of files.

mod apply_config;
mod check;
mod log;
mod run;

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;

use super::position::byte_at;
use super::setup::overrule_endpoint;
use super::{CliError, Setup, show};
use crate::cancel::Cancel;
use crate::config::{ContextSources, EndpointKind, Settings};
use crate::engine::tags::{
    ContextError, PromptView, TagError, TagSite, TagsView, context, has_context, prepare,
};
use crate::engine::{Project, ProjectOptions};
use crate::files::root_of;
use crate::secrets::{InContext, Secrets};
use crate::tags::Tags;
use crate::text::{Encoding, TextPosition};

/// Parse, check and run the FIMpad tags of a file.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: TagsCommand,
}

#[derive(Debug, clap::Subcommand)]
enum TagsCommand {
    /// Print the tags of a file as JSON
    Parse {
        /// File; `-` is stdin
        #[arg(value_name = "FILE|-")]
        file: PathBuf,
    },
    Check(check::Args),
    /// Print the prompt of a tag as JSON
    Prompt {
        #[command(flatten)]
        tag: OneTag,
        #[command(flatten)]
        model: ModelArgs,
    },
    Run(run::Args),
    Log(log::Args),
    ApplyConfig(apply_config::Args),
}

/// One tag of a file.
#[derive(Debug, clap::Args)]
struct OneTag {
    /// File; `-` is stdin
    #[arg(value_name = "FILE|-")]
    file: PathBuf,
    /// Position in the tag or right behind it: a byte offset, or line and column
    /// (in characters), both counted from 1
    #[arg(long, value_name = "BYTE|LINE:COL")]
    at: TextPosition,
}

/// Flags that override the settings of the model server.
#[derive(Debug, clap::Args)]
struct ModelArgs {
    /// URL of the model server [default: url under [endpoint] in the settings
    /// file, else http://127.0.0.1:8080]
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
    /// API of the model server [default: kind under [endpoint] in the settings
    /// file, else completions]
    #[arg(long, value_name = "KIND")]
    endpoint_kind: Option<EndpointKind>,
    /// In a PHP file, put the project's cross-file context before the prefix
    #[arg(long)]
    context: bool,
}

/// Runs the command. `settings` is the settings file that `--settings` names.
pub(super) fn run(
    args: &Args,
    settings: Option<&Path>,
    setup: impl FnOnce() -> Result<Setup, CliError>,
) -> Result<ExitCode, CliError> {
    match &args.command {
        TagsCommand::Parse { file } => {
            let text = read(file)?;
            let tags = Tags::parse(&text);
            print_json(&TagsView::new(&text, &tags, Encoding::Utf8))?;
        }
        TagsCommand::Check(args) => return check::run(args),
        TagsCommand::Prompt { tag, model } => {
            let mut setup = setup()?;
            model.overrule(&mut setup.settings)?;
            let content = read(&tag.file)?;
            let at = byte_at(tag.at, &content, &tag.file)?;
            let project = project(&tag.file, &setup)?;
            let context =
                project.map_or(Ok(String::new()), |p| p.context(&content, at, Some(tag.at)))?;
            let prepared = prepare(content, at, &setup.settings, context)
                .map_err(|error| of_tag(&tag.file, Some(tag.at), error))?;
            let endpoint = &setup.settings.endpoint;
            print_json(&PromptView::new(&prepared, endpoint, Encoding::Utf8))?;
        }
        TagsCommand::Run(args) => run::run(args, setup()?)?,
        TagsCommand::Log(args) => log::run(args)?,
        TagsCommand::ApplyConfig(args) => apply_config::run(args, settings)?,
    }
    Ok(ExitCode::SUCCESS)
}

impl ModelArgs {
    fn overrule(&self, settings: &mut Settings) -> Result<(), CliError> {
        overrule_endpoint(settings, self.endpoint.as_deref(), self.endpoint_kind)?;
        settings.tags.context |= self.context;
        Ok(())
    }
}

/// The project from which the tags of a file get their context.
struct ContextSource {
    project: std::sync::Arc<Project>,
    file: PathBuf,
    key: String,
    sources: ContextSources,
    secrets: Option<Secrets>,
}

/// The context source of the PHP file at `path`, if the settings ask for a context.
fn project(path: &Path, setup: &Setup) -> Result<Option<ContextSource>, CliError> {
    if !setup.settings.tags.context || !has_context(&path.to_string_lossy()) {
        return Ok(None);
    }
    let failure = |error: &dyn std::fmt::Display| CliError::Failure(error.to_string());
    let file = std::path::absolute(path).map_err(|error| failure(&error))?;
    let root = root_of(&file).ok_or_else(|| {
        CliError::Usage(format!(
            "{}: no folder above it has a composer.json, a .git or a .fimignore, so there is no \
             project to have context from",
            path.display()
        ))
    })?;
    let project = Project::open(&ProjectOptions {
        root,
        include_paths: Vec::new(),
        walk: setup.settings.walk(),
        cache: setup.cache.clone(),
    })
    .map_err(|error| failure(&error))?;
    project.write_stale_cache();
    let secrets = match setup.settings.context.secrets {
        InContext::Redact => Some(Secrets::new().map_err(|error| failure(&error))?),
        InContext::Keep => None,
    };
    Ok(Some(ContextSource {
        key: project.roots.key(&file.to_string_lossy()),
        project,
        file: path.to_owned(),
        sources: setup.settings.context.sources,
        secrets,
    }))
}

impl ContextSource {
    /// The context of the tag of `content` at the byte `at`, which the user has named
    /// as `asked`.
    fn context(
        &self,
        content: &str,
        at: usize,
        asked: Option<TextPosition>,
    ) -> Result<String, CliError> {
        let site = TagSite {
            path: &self.key,
            content,
            at,
            sources: self.sources,
            secrets: self.secrets.as_ref(),
        };
        let snapshot = self.project.index.snapshot();
        context(&snapshot, site, &Cancel::default()).map_err(|error| match error {
            ContextError::Tag(error) => of_tag(&self.file, asked, error),
            ContextError::Cancelled(error) => CliError::Failure(error.to_string()),
        })
    }
}

/// The text of a file, or of stdin if `path` is `-`.
fn read(path: &Path) -> Result<String, CliError> {
    let failure =
        |error: &dyn std::fmt::Display| CliError::Failure(format!("{}: {error}", path.display()));
    let mut bytes = Vec::new();
    let read = match is_stdin(path) {
        true => io::stdin().read_to_end(&mut bytes).map(drop),
        false => fs::read(path).map(|read| bytes = read),
    };
    read.map_err(|error| failure(&format!("{error}; name a text file, or `-` for stdin")))?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        failure(&format!("not UTF-8 at byte {at}; convert it first"))
    })
}

fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// An error about a tag of the file at `path`. It names a missing tag by the position
/// that the user has `asked` for.
fn of_tag(path: &Path, asked: Option<TextPosition>, error: TagError) -> CliError {
    let error = match (error, asked) {
        (TagError::NoTag { .. }, Some(position)) => TagError::NoTag { position },
        (error, _) => error,
    };
    let separator = match error {
        TagError::NoTag { .. } => ": ",
        TagError::NotFim { .. } | TagError::Invalid { .. } => ":",
    };
    CliError::Failure(format!("{}{separator}{error}", path.display()))
}

fn print_json(value: &impl Serialize) -> Result<(), CliError> {
    show::print(|out| {
        serde_json::to_writer(&mut *out, value)?;
        writeln!(out)
    })
}
