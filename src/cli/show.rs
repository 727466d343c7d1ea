//! Printing to stdout, and examples as `generate --preview` and `preview` print them.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::CliError;
use crate::dataset::Example;

/// Prints `examples` one after another.
pub(super) fn examples(examples: &[Example]) -> Result<(), CliError> {
    print(|out| {
        (1..)
            .zip(examples)
            .try_for_each(|(n, example)| print_example(out, n, examples.len(), example))
    })
}

/// Calls `write` with stdout.
pub(super) fn print(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), CliError> {
    let mut out = anstream::stdout().lock();
    match write(&mut out).and_then(|()| out.flush()) {
        // The reader has closed the pipe.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(|error| CliError::Failure(format!("cannot print: {error}"))),
    }
}

/// Prints `example`, the middle in colour and between `⟦` and `⟧`.
fn print_example(out: &mut dyn Write, n: usize, of: usize, example: &Example) -> io::Result<()> {
    let title = Style::new().bold();
    let dim = Style::new().dimmed();
    let cut = AnsiColor::Green.on_default().bold();
    writeln!(
        out,
        "{title}── {n}/{of} {}:{}..{} {} {}{title:#}",
        example.filepath,
        example.start_byte,
        example.end_byte,
        example.span_kind.name(),
        example.span_name
    )?;
    let Example {
        context,
        prefix,
        middle,
        suffix,
        ..
    } = example;
    if !context.is_empty() {
        writeln!(out, "{dim}{}{dim:#}", context.trim_end())?;
    }
    writeln!(out, "{prefix}{cut}⟦{middle}⟧{cut:#}{}\n", suffix.trim_end())
}
