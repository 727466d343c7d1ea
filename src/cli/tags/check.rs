//! `fimd tags check`: prints the faults of the tags of files.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use super::{CliError, is_stdin, read};
use crate::cli::show;
use crate::tags::settings::wrong_everywhere;
use crate::tags::{CodeRanges, NoteKind, Tag, TagKind, Tags, TextFormat};
use crate::text::{TextPosition, line_end, line_start};

/// Print the faults of the tags of files; the exit code is 1 if there are any
///
/// Leaves out what looks like tags in the code of a Markdown file.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Files; `-` is stdin
    #[arg(required = true, value_name = "FILE|-")]
    files: Vec<PathBuf>,
}

/// Checks every file. Prints warnings as well; they do not change the exit code.
pub(super) fn run(args: &Args) -> Result<ExitCode, CliError> {
    let mut faults = 0;
    for file in &args.files {
        let text = read(file)?;
        let tags = Tags::parse(&text);
        let code = CodeRanges::find(&text, &tags, TextFormat::of_path(&file.to_string_lossy()));
        for tag in tags.all().iter().filter(|tag| !code.contains(tag)) {
            for diagnostic in diagnostics(tag) {
                faults += usize::from(diagnostic.is_fault);
                let report = diagnostic.render(file, &text);
                show::print(|out| writeln!(out, "{report}\n"))?;
            }
        }
    }
    Ok(match faults {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

/// A message about a position in a text.
struct Diagnostic<'a> {
    /// Whether this is a fault, not a warning.
    is_fault: bool,
    message: Cow<'a, str>,
    at: usize,
    hint: Option<&'a str>,
}

fn diagnostics(tag: &Tag) -> Vec<Diagnostic<'_>> {
    let mut wrong = Vec::new();
    match &tag.kind {
        TagKind::Invalid(fault) => {
            return vec![Diagnostic {
                is_fault: true,
                message: Cow::Borrowed(&fault.message),
                at: tag.range.start + fault.at,
                hint: Some(fault.hint),
            }];
        }
        TagKind::Config(config) => wrong = wrong_everywhere(config),
        TagKind::Fim(_) | TagKind::Boundary(_) | TagKind::Comment(_) => {}
    }
    let notes = tag.kind.notes().iter();
    let warnings = notes.filter(|note| note.kind == NoteKind::Warning);
    let warnings = warnings.map(|note| Diagnostic {
        is_fault: false,
        message: Cow::Borrowed(&note.message),
        at: tag.range.start + note.at,
        hint: None,
    });
    let wrong = wrong.into_iter().map(|entry| Diagnostic {
        is_fault: true,
        message: Cow::Owned(entry.to_string()),
        at: tag.range.start + entry.at,
        hint: None,
    });
    warnings.chain(wrong).collect()
}

impl Diagnostic<'_> {
    /// The message with its source line and a caret.
    fn render(&self, file: &Path, text: &str) -> String {
        let (start, end) = (line_start(text, self.at), line_end(text, self.at));
        let line = &text[start..end.max(start)];
        let at = self.at - start;
        let width = text[self.at..].chars().next().map_or(0, char::len_utf8);
        let name = match is_stdin(file) {
            true => Cow::Borrowed("stdin"),
            false => file.to_string_lossy(),
        };
        let number = match TextPosition::line_column(text, self.at) {
            TextPosition::LineColumn(line, _) => line,
            TextPosition::Byte(_) => 1,
        };
        let snippet = Snippet::source(line)
            .path(name)
            .line_start(number)
            .annotation(AnnotationKind::Primary.span(at..(at + width).min(line.len()).max(at)));
        let level = match self.is_fault {
            true => Level::ERROR,
            false => Level::WARNING,
        };
        let title = level.primary_title(&*self.message);
        let mut report = title.element(snippet);
        if let Some(hint) = self.hint {
            report = report.element(Level::HELP.message(hint));
        }
        Renderer::styled().render(&[report])
    }
}
