//! `fimd context`: the cross-file context for one cursor in one file.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use anstyle::{AnsiColor, Style};

use super::position::byte_at;
use super::{CliError, Setup};
use crate::cancel::Cancel;
use crate::context::budget::DEFAULT_MAX_CONTEXT_CHARS;
use crate::context::{self, Context, ContextRequest, MinScore, Snippet, SnippetSource};
use crate::engine::{Project, ProjectOptions};
use crate::files;
use crate::index::Snapshot;
use crate::prompt::window;
use crate::secrets::{InContext, Secrets};
use crate::text::{TextPosition, line_start};

/// Print the cross-file context for one cursor in a file.
///
/// Prints the same text as the method `getContext` returns.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// File that is being edited
    file: PathBuf,
    /// Cursor: line and column (in characters), both counted from 1, or a byte offset
    #[arg(long, value_name = "LINE:COL|BYTE")]
    at: TextPosition,
    /// Root folder of the project [default: the nearest folder above FILE that has a
    /// composer.json, a .git or a .fimignore; a package whose classes the project around it
    /// loads belongs to that project]
    #[arg(long, value_name = "DIR")]
    project: Option<PathBuf>,
    /// Extra folder or file for context, which counts even if it is ignored; the rules apply
    /// inside it (repeatable)
    #[arg(long, value_name = "PATH")]
    include_path: Vec<PathBuf>,
    /// Most characters of the context
    #[arg(long, value_name = "N", default_value_t = DEFAULT_MAX_CONTEXT_CHARS)]
    max_chars: usize,
    /// Leave out declarations less likely than this to be named next, from 0 to 1
    #[arg(long, value_name = "SCORE", default_value_t)]
    min_score: MinScore,
    /// Do not search for code chunks with BM25
    #[arg(long)]
    no_bm25: bool,
    /// Before the context, print the source and the score of each snippet, and
    /// each snippet that was left out, with the reason
    #[arg(long)]
    explain: bool,
    /// Read the edited text from this file (`-` is stdin) instead of from FILE,
    /// which then need not exist
    #[arg(long, value_name = "PATH|-")]
    content: Option<PathBuf>,
}

/// Runs the command.
pub(super) fn run(args: &Args, setup: Setup) -> Result<(), CliError> {
    let failure = |path: &Path, error: &dyn std::fmt::Display| {
        CliError::Failure(format!("{}: {error}", path.display()))
    };
    let file = std::path::absolute(&args.file).map_err(|error| failure(&args.file, &error))?;
    let content = args.text()?;
    let edited = args.content.as_deref().unwrap_or(&args.file);
    let cursor = byte_at(args.at, &content, edited)?;
    let root = match &args.project {
        Some(root) => root.clone(),
        None => files::root_of(&file).ok_or_else(|| {
            CliError::Usage(format!(
                "{}: no folder above it has a composer.json, a .git or a .fimignore; \
                 name the project with --project",
                args.file.display()
            ))
        })?,
    };
    let project = Project::open(&ProjectOptions {
        root,
        include_paths: args.include_path.clone(),
        walk: setup.settings.walk(),
        cache: setup.cache,
    })
    .map_err(|error| CliError::Failure(error.to_string()))?;
    let secrets = match setup.settings.context.secrets {
        InContext::Redact => {
            Some(Secrets::new().map_err(|error| CliError::Failure(error.to_string()))?)
        }
        InContext::Keep => None,
    };
    let sources = setup.settings.context.sources;
    let path = project.roots.key(&file.to_string_lossy());
    let snapshot = project.index.snapshot();
    let request = ContextRequest {
        path: &path,
        content: &content,
        cursor,
        window: Some(window(&content, cursor, setup.settings.completion.budget())),
        max_chars: args.max_chars,
        min_score: args.min_score,
        dependencies: sources.dependencies,
        bm25: sources.bm25 && !args.no_bm25,
        secrets: secrets.as_ref(),
        lexed: None,
    };
    let context = context::assemble(&snapshot, &request, &Cancel::default())
        .map_err(|error| CliError::Failure(error.to_string()))?;
    let mut out = anstream::stdout().lock();
    let printed = if args.explain {
        explain(&mut out, &snapshot, &request, &context)
    } else {
        out.write_all(context.text.as_bytes())
    };
    let printed = printed.and_then(|()| out.flush());
    project.write_stale_cache();
    match printed {
        // The reader has closed the pipe.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(|error| CliError::Failure(format!("standard output: {error}"))),
    }
}

impl Args {
    /// The text that is being edited.
    fn text(&self) -> Result<String, CliError> {
        let path = self.content.as_deref().unwrap_or(&self.file);
        let (text, lossy) = if path == Path::new("-") && self.content.is_some() {
            let mut bytes = Vec::new();
            io::stdin()
                .read_to_end(&mut bytes)
                .map(|_| files::decode(bytes))
        } else {
            files::read_text(path)
        }
        .map_err(|error| {
            CliError::Failure(format!(
                "{}: {error}; name a file that can be read, or give its text with --content",
                path.display()
            ))
        })?;
        if lossy && matches!(self.at, TextPosition::Byte(_)) {
            return Err(CliError::Usage(format!(
                "{}: not UTF-8, so its bytes cannot be counted; say --at LINE:COL",
                path.display()
            )));
        }
        Ok(text)
    }
}

/// Prints the cursor, the snippets that were sent, those that were left out, and the text.
fn explain(
    out: &mut impl Write,
    snapshot: &Snapshot,
    request: &ContextRequest<'_>,
    context: &Context,
) -> io::Result<()> {
    let ContextRequest {
        path,
        content,
        cursor,
        max_chars,
        ..
    } = *request;
    let title = Style::new().bold();
    let line = content[..cursor].matches('\n').count() + 1;
    let column = content[line_start(content, cursor)..cursor].chars().count() + 1;
    writeln!(
        out,
        "{title}{path}:{line}:{column}{title:#} (byte {cursor}): {} of {max_chars} characters",
        context.text.chars().count(),
    )?;
    writeln!(out, "\n{title}sent ({}){title:#}", context.snippets.len())?;
    for snippet in &context.snippets {
        print_snippet(out, snapshot, snippet, "")?;
    }
    writeln!(
        out,
        "\n{title}left out ({}){title:#}",
        context.dropped.len()
    )?;
    for dropped in &context.dropped {
        print_snippet(out, snapshot, &dropped.snippet, dropped.reason)?;
    }
    writeln!(out, "\n{title}context{title:#}")?;
    out.write_all(context.text.as_bytes())
}

/// Prints one line: score, length, source, byte range, reason for leaving the
/// snippet out, and the first line of its text.
fn print_snippet(
    out: &mut impl Write,
    snapshot: &Snapshot,
    snippet: &Snippet,
    reason: &str,
) -> io::Result<()> {
    const MAX_BEGINNING: usize = 60;
    let (source, colour) = match snippet.source {
        SnippetSource::Dependency => ("dependency", AnsiColor::Green),
        SnippetSource::Bm25 => ("bm25", AnsiColor::Cyan),
        SnippetSource::Outline => ("outline", AnsiColor::Magenta),
    };
    let colour = colour.on_default();
    let Snippet {
        path,
        start,
        end,
        score,
        chars,
        ..
    } = snippet;
    let score = format!("{score:.4}");
    write!(
        out,
        "{score:>9} {chars:>5} chars  {colour}{source:<10}{colour:#}  {path}:{start}..{end}"
    )?;
    if !reason.is_empty() {
        write!(out, "  ({reason})")?;
    }
    let text = snapshot
        .file(path)
        .and_then(|file| file.text.get(*start..*end));
    let beginning = text.and_then(|text| text.lines().next()).unwrap_or("");
    let beginning: String = beginning.trim().chars().take(MAX_BEGINNING).collect();
    let dim = Style::new().dimmed();
    writeln!(out, "  {dim}{beginning}{dim:#}")
}
