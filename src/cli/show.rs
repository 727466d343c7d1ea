//! Printing to stdout, and examples as `generate --preview` and `preview` print them.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::CliError;
use crate::dataset::Example;
use crate::prompt::ServerSpeed;

/// The lines of prefix and suffix that are printed on either side of a middle.
const LINES: usize = 5;

/// Prints `examples` one after another: a few lines around each middle, or the `whole`
/// of their parts.
pub(super) fn examples(examples: &[Example], whole: bool) -> Result<(), CliError> {
    print(|out| {
        (1..)
            .zip(examples)
            .try_for_each(|(n, example)| print_example(out, n, examples.len(), example, whole))
    })
}

/// How fast a model server is, in words.
pub(super) fn speed(speed: ServerSpeed) -> String {
    let per_second = |ms: f64| 1e3 / ms.max(1e-3);
    let reads = format!("reads {:.0} tokens/s", per_second(speed.read_ms));
    match speed.write_ms > 0.0 {
        true => format!("{reads} and writes {:.0}", per_second(speed.write_ms)),
        false => reads,
    }
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
fn print_example(
    out: &mut dyn Write,
    n: usize,
    of: usize,
    example: &Example,
    whole: bool,
) -> io::Result<()> {
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
    let context = context.trim_end();
    if whole && !context.is_empty() {
        writeln!(out, "{dim}{context}{dim:#}")?;
    } else if context.is_empty() {
        writeln!(out, "{dim}no context{dim:#}")?;
    } else {
        let (lines, chars) = (context.lines().count(), context.chars().count());
        writeln!(
            out,
            "{dim}context of {lines} lines, {chars} characters{dim:#}"
        )?;
    }
    let (prefix, suffix) = match whole {
        true => (&**prefix, suffix.trim_end()),
        false => (last_lines(prefix), first_lines(suffix)),
    };
    writeln!(out, "{prefix}{cut}⟦{middle}⟧{cut:#}{suffix}\n")
}

/// The last [`LINES`] lines of `text`, the begun one included.
fn last_lines(text: &str) -> &str {
    let mut breaks = text.rmatch_indices('\n');
    breaks
        .nth(LINES - 1)
        .map_or(text, |(at, _)| &text[at + 1..])
}

/// The rest of the first line of `text`, and the lines behind it, [`LINES`] in all.
fn first_lines(text: &str) -> &str {
    let mut breaks = text.match_indices('\n');
    breaks
        .nth(LINES - 1)
        .map_or(text, |(at, _)| &text[..at])
        .trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_lines_stay_on_either_side() {
        let text = "1\n2\n3\n4\n5\n6\n7";
        assert_eq!(last_lines(text), "3\n4\n5\n6\n7");
        assert_eq!(first_lines(text), "1\n2\n3\n4\n5");
        assert_eq!(
            (last_lines("a\nb"), first_lines("a\nb\n")),
            ("a\nb", "a\nb")
        );
        assert_eq!((last_lines(""), first_lines("")), ("", ""));
    }
}
