//! `fimd models`: the families of models that fimd knows, with their tokens.

use std::io::{self, BufWriter, ErrorKind, Write};

use super::Error;
use crate::model::{Families, Family, PartOrder, RepoLayout};

/// Print the model families that --base-model knows, with their tokens.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// One JSON array instead of a table
    #[arg(long)]
    json: bool,
}

/// Prints fimd's own families, then those of the settings file.
pub(super) fn run(args: &Args, families: &Families) -> Result<(), Error> {
    let mut out = BufWriter::new(io::stdout().lock());
    let printed = if args.json {
        let families: Vec<_> = families.iter().collect();
        serde_json::to_writer_pretty(&mut out, &families)
            .map_err(io::Error::from)
            .and_then(|()| writeln!(out))
    } else {
        families
            .iter()
            .try_for_each(|family| print(&mut out, family))
    };
    match printed.and_then(|()| out.flush()) {
        // Whoever reads has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(|error| Error::Failure(format!("cannot print: {error}"))),
    }
}

/// The family's name, then a line for each thing to know of it. Texts are
/// quoted where they have white space or line breaks to show.
fn print(out: &mut impl Write, family: &Family) -> io::Result<()> {
    writeln!(out, "{}", family.name)?;
    let order = match family.order {
        PartOrder::PrefixFirst => "prefix, suffix, middle",
        PartOrder::SuffixFirst => "suffix, prefix, middle",
    };
    let mut line = |what: &str, text: &str| writeln!(out, "  {what:<10} {text}");
    line("order", order)?;
    for (what, marker) in [
        ("prefix", &family.prefix),
        ("suffix", &family.suffix),
        ("middle", &family.middle),
        ("end", &family.end),
    ] {
        line(what, &quoted(marker))?;
    }
    let others = family.stops.iter().map(String::as_str);
    let stops: Vec<_> = [family.end.trim()].into_iter().chain(others).collect();
    line("stops", &stops.join("  "))?;
    match &family.repo {
        None => line("repository", "none"),
        Some(repo) => line("repository", &quoted(&form(repo, family))),
    }
}

/// What stands up to the prefix in a text of a repository, P being the prefix.
fn form(repo: &RepoLayout, family: &Family) -> String {
    let files = format!("{}{}\u{2026}{}", repo.head, repo.file, repo.current);
    let marker = &family.prefix;
    let before = &repo.before_prefix;
    if repo.in_prefix {
        format!("{marker}{files}{before}P")
    } else {
        // A family with the suffix first has it in between.
        let suffix = match family.order {
            PartOrder::PrefixFirst => String::new(),
            PartOrder::SuffixFirst => format!("{}S", family.suffix),
        };
        format!("{files}{suffix}{marker}{before}P")
    }
}

/// The text, with quotes where some of it would not be seen.
fn quoted(text: &str) -> String {
    if text.is_empty() {
        "none".to_owned()
    } else if text.trim() == text && !text.contains('\n') {
        text.to_owned()
    } else {
        format!("\"{}\"", text.replace('\n', "\\n"))
    }
}
