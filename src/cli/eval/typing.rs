//! `fimd eval typing`: what a model server reads while somebody types.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use anstyle::Style;
use futures_util::TryStreamExt;

use crate::cancel::Cancel;
use crate::cli::setup::{overrule_endpoint, runtime};
use crate::cli::{CliError, Setup, show};
use crate::config::{EndpointKind, Settings};
use crate::endpoint::{EndpointError, ModelRequest};
use crate::engine::completion::{
    AskedPrompt, BufferPosition, CompletionRequest, Completions, ModelServer, Trigger,
};
use crate::engine::{Project, ProjectOptions};
use crate::eval::typing::{
    self, MeasuredPrompt, PromptChange, Spread, TypingReport, TypingSession, TypingStep,
    TypingTally,
};
use crate::index::Snapshot;
use crate::model::Model;
use crate::secrets::{InContext, Secrets};

/// Measure what a model server reads while somebody types.
///
/// Replays the typing of methods of the project's files, with pauses, backspaces
/// and jumps, makes the prompts as completions do, and counts the tokens behind
/// the longest common prefix with the prompt before: what a server reads anew.
/// Also tells how often the contexts hold the name that is typed next.
#[derive(Debug, clap::Args)]
pub(super) struct TypingArgs {
    /// The project's root folder
    project: PathBuf,
    /// Sessions, each of about 60 requests in two files
    #[arg(long, value_name = "N", default_value_t = 10)]
    sessions: usize,
    /// Seed of the choice of sessions
    #[arg(long, value_name = "N", default_value_t = 42)]
    seed: u64,
    /// Prompts that the server keeps, each of another buffer
    #[arg(long, value_name = "N", default_value_t = 1)]
    slots: usize,
    /// Where the cursor rests at another method before it is typed in, so that
    /// the server reads ahead
    #[arg(long, value_name = "PLACE")]
    read_ahead: Option<RestPlace>,
    /// The model's `tokenizer.json`, to count tokens; else they are estimated
    #[arg(long, value_name = "FILE")]
    tokenizer: Option<PathBuf>,
    /// URL of a model server to ask, for its own figures
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
    /// API of the model server [default: kind under [endpoint] in the settings
    /// file]
    #[arg(long, value_name = "KIND", requires = "endpoint")]
    endpoint_kind: Option<EndpointKind>,
    /// Extra folder or file for context, which counts even if it is ignored; the rules apply
    /// inside it (repeatable)
    #[arg(long, value_name = "PATH")]
    include_path: Vec<PathBuf>,
    /// Print all figures as one JSON object
    #[arg(long)]
    json: bool,
}

/// Where the cursor rests after it has come to another method.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum RestPlace {
    /// At the start of the file, which is opened
    File,
    /// At the start of the method's body
    Method,
    /// Where it types next
    Cursor,
}

impl RestPlace {
    /// The same buffer as at `step`, with the cursor at this place.
    fn before(self, step: &TypingStep) -> TypingStep {
        TypingStep {
            cursor: match self {
                Self::File => 0,
                Self::Method => step.body,
                Self::Cursor => step.cursor,
            },
            name: None,
            ..step.clone()
        }
    }
}

fn failure(error: &dyn std::fmt::Display) -> CliError {
    CliError::Failure(error.to_string())
}

impl TypingArgs {
    pub(super) fn run(&self, mut setup: Setup) -> Result<(), CliError> {
        if self.sessions == 0 || self.slots == 0 {
            return Err(CliError::Usage(
                "--sessions and --slots must be at least 1".into(),
            ));
        }
        overrule_endpoint(
            &mut setup.settings,
            self.endpoint.as_deref(),
            self.endpoint_kind,
        )?;
        let project = Project::open(&ProjectOptions {
            root: self.project.clone(),
            include_paths: self.include_path.clone(),
            walk: setup.settings.walk(),
            cache: setup.cache,
        })
        .map_err(|error| failure(&error))?;
        project.write_stale_cache();
        let is_own = |key: &str| project.roots.owns(key);
        let snapshot = project.index.snapshot();
        let sessions = typing::sessions(&snapshot, self.seed, self.sessions, &is_own);
        if sessions.is_empty() {
            return Err(CliError::Failure(format!(
                "{}: no two files with two methods of 3 to 14 lines each; measure a larger project",
                self.project.display()
            )));
        }
        let replay = self.replay(setup.settings, &project, &snapshot)?;
        let report = runtime()?.block_on(replay.run(&sessions, self))?;
        show::print(|out| match self.json {
            true => {
                serde_json::to_writer_pretty(&mut *out, &report)?;
                writeln!(out)
            }
            false => print(out, &report),
        })
    }

    fn replay<'p>(
        &self,
        settings: Settings,
        project: &'p Project,
        snapshot: &'p Snapshot,
    ) -> Result<Replay<'p>, CliError> {
        let family = settings.endpoint.family.clone();
        let read = |path: &std::path::Path| std::fs::read(path);
        let model = Model::new(family, self.tokenizer.as_deref(), read)
            .map_err(|error| CliError::Usage(format!("--tokenizer: expected {error}")))?;
        Ok(Replay {
            server: ModelServer::new(Arc::new(settings.clone()))
                .map_err(|error| failure(&error))?,
            secrets: match settings.context.secrets {
                InContext::Redact => {
                    Some(Arc::new(Secrets::new().map_err(|error| failure(&error))?))
                }
                InContext::Keep => None,
            },
            settings,
            model,
            project,
            snapshot,
            asks: self.endpoint.is_some(),
        })
    }
}

/// What replays sessions.
struct Replay<'p> {
    server: ModelServer,
    settings: Settings,
    secrets: Option<Arc<Secrets>>,
    model: Model,
    project: &'p Project,
    snapshot: &'p Snapshot,
    /// Whether the server is asked, too.
    asks: bool,
}

impl Replay<'_> {
    async fn run(
        &self,
        sessions: &[TypingSession],
        args: &TypingArgs,
    ) -> Result<TypingReport, CliError> {
        let mut tally = TypingTally::new(args.slots);
        for session in sessions {
            tally.next_session();
            let completions = Completions::default();
            for step in &session.steps {
                if let Some(place) = args.read_ahead.filter(|_| step.has_moved) {
                    let rest = place.before(step);
                    let read = self.measure(&completions, &rest, 0).await?;
                    tally.read_ahead(&step.path, read);
                }
                let prompt = self.measure(&completions, step, 1).await?;
                tally.add(&step.path, prompt);
            }
        }
        Ok(tally.report(sessions.len(), args.seed, self.model.has_tokenizer()))
    }

    /// Makes the prompt for `step` and measures it. The server writes `max_tokens` tokens.
    async fn measure(
        &self,
        completions: &Completions,
        step: &TypingStep,
        max_tokens: u32,
    ) -> Result<MeasuredPrompt, CliError> {
        let request = self.request(step);
        let fresh = match &step.name {
            None => None,
            Some(name) => {
                let cancel = Cancel::default();
                let made = self.server.fresh_context(&request, self.snapshot, &cancel);
                let context = made.map_err(|error| failure(&error))?;
                Some((name, typing::holds_word(&context.text, name)))
            }
        };
        let begun = Instant::now();
        let asked = self.prompt(completions, request)?;
        let ms = begun.elapsed().as_secs_f64() * 1e3;
        let holds_name =
            fresh.map(|(name, fresh)| (typing::holds_word(&asked.context.text, name), fresh));
        let tokens = self.model.tokens(&asked.text.text);
        let server = match self.asks {
            true => {
                let request = ModelRequest {
                    max_tokens,
                    ..asked.request
                };
                Some(self.ask(request).await.map_err(|e| failure(&e))?)
            }
            false => None,
        };
        Ok(MeasuredPrompt {
            tokens: tokens.map_err(|error| failure(&error))?,
            text: asked.text,
            ms,
            has_moved: step.has_moved,
            holds_name,
            server,
        })
    }

    /// What an editor asks for at `step`.
    fn request(&self, step: &TypingStep) -> CompletionRequest {
        let root = self.project.roots.root();
        CompletionRequest {
            position: BufferPosition {
                root: root.to_owned(),
                path: step.path.clone(),
                content: step.content.clone(),
                cursor: step.cursor,
            },
            repo: root
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into(),
            sources: self.settings.context.sources,
            secrets: self.secrets.clone(),
            trigger: Trigger::Automatic,
            max_items: 1,
            max_tokens: None,
            max_lines: None,
        }
    }

    /// What `complete` asks the server for `request`.
    fn prompt(
        &self,
        completions: &Completions,
        request: CompletionRequest,
    ) -> Result<AskedPrompt, CliError> {
        completions
            .prompt(&self.server, request, self.snapshot, &Cancel::default())
            .map_err(|error| failure(&error))
    }

    /// Asks the server. Returns the tokens that it read and reused, the
    /// time of reading, and the time to the first text, in milliseconds.
    async fn ask(&self, request: ModelRequest) -> Result<[f64; 4], EndpointError> {
        self.server.client().features().await;
        let begun = Instant::now();
        let mut deltas = Box::pin(self.server.client().stream(request));
        let (mut first, mut work) = (None, None);
        while let Some(delta) = deltas.try_next().await? {
            if !delta.text.is_empty() {
                first.get_or_insert_with(|| begun.elapsed());
            }
            work = delta.work.or(work);
        }
        let first = first.unwrap_or_else(|| begun.elapsed());
        let work = work.unwrap_or_default();
        Ok([
            f64::from(work.read_tokens),
            f64::from(work.reused_tokens.unwrap_or(0)),
            work.read_ms.unwrap_or(0.0),
            first.as_secs_f64() * 1e3,
        ])
    }
}

fn print(out: &mut dyn Write, report: &TypingReport) -> io::Result<()> {
    let bold = Style::new().bold();
    let counted = match report.tokenizer {
        true => "counted",
        false => "estimated",
    };
    writeln!(
        out,
        "{} sessions, seed {}, {} requests, slots: {}; tokens are {counted}",
        report.sessions, report.seed, report.requests, report.slots
    )?;
    writeln!(
        out,
        "\n{bold}{:<22}{:>8}{:>8}{:>9}{:>9}{:>9}{bold:#}",
        "", "n", "share", "median", "mean", "p90"
    )?;
    print_rows(out, report)?;
    let recall = report.recall;
    writeln!(
        out,
        "\nOf {} names typed next, the contexts hold {:.3}; contexts made anew hold {:.3}.",
        recall.places, recall.ident, recall.fresh
    )?;
    writeln!(
        out,
        "\ntokens to read: those behind the longest common prefix with the former prompt; share: of\n\
         the prompts' tokens. Below: the requests by what differs first, with their share in all."
    )
}

fn print_rows(out: &mut dyn Write, report: &TypingReport) -> io::Result<()> {
    let pairs: usize = report.changes.iter().map(|change| change.requests).sum();
    row(
        out,
        "tokens of a prompt",
        Some(report.requests),
        None,
        report.prompt_tokens,
    )?;
    row(
        out,
        "tokens to read",
        Some(pairs),
        Some(report.read_share),
        report.read_tokens,
    )?;
    for change in &report.changes {
        let name = serde_json::to_value(change.change).map_err(io::Error::from)?;
        let name = format!("  {}", name.as_str().unwrap_or_default());
        row(
            out,
            &name,
            Some(change.requests),
            Some(change.share),
            change.read_tokens,
        )?;
    }
    if let Some(server) = &report.server {
        row(out, "server: tokens read", None, None, server.read_tokens)?;
        row(out, "server: reused", None, None, server.reused_tokens)?;
        row(out, "server: ms of reading", None, None, server.read_ms)?;
        row(
            out,
            "ms to the first text",
            None,
            None,
            server.first_token_ms,
        )?;
        let moved = report
            .changes
            .iter()
            .find(|of| of.change == PromptChange::Moved);
        if let Some(moved) = moved
            && let Some(ms) = moved.first_token_ms
        {
            row(out, "  moved", Some(moved.requests), None, ms)?;
        }
    }
    row(out, "ms to make a prompt", None, None, report.prompt_ms)
}

fn row(
    out: &mut dyn Write,
    name: &str,
    n: Option<usize>,
    share: Option<f64>,
    spread: Spread,
) -> io::Result<()> {
    let n = n.map_or_else(String::new, |n| n.to_string());
    let share = share.map_or_else(String::new, |share| format!("{:.1} %", share * 100.0));
    writeln!(
        out,
        "{name:<22}{n:>8}{share:>8}{:>9.1}{:>9.1}{:>9.1}",
        spread.median, spread.mean, spread.p90
    )
}
