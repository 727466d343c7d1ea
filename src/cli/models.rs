//! `fimd models`: the model families that fimd knows, with their control tokens.

use std::io::{self, BufWriter, ErrorKind, Write};

use super::CliError;
use crate::model::{Families, Family, FimFormat, PartOrder, RepoLayout};

/// Print the model families that --base-model accepts, with their control tokens.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print one JSON array
    #[arg(long)]
    json: bool,
}

/// Prints the built-in families, then those of the settings file.
pub(super) fn run(args: &Args, families: &Families) -> Result<(), CliError> {
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
        // The reader has closed the pipe.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(|error| CliError::Failure(format!("cannot print: {error}"))),
    }
}

/// Prints the name of the family, then one line per property. Texts with white
/// space at an end or with line breaks are quoted.
fn print(out: &mut impl Write, family: &Family) -> io::Result<()> {
    writeln!(out, "{}", family.name)?;
    let order = match family.order {
        PartOrder::PrefixFirst => "prefix, suffix, middle",
        PartOrder::SuffixFirst => "suffix, prefix, middle",
    };
    let mut line = |what: &str, text: &str| writeln!(out, "  {what:<10} {text}");
    line("order", order)?;
    line("trained on", &trained_on(family))?;
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

/// The orders that the models were trained on, and where that is from.
fn trained_on(family: &Family) -> String {
    let orders = [FimFormat::Psm, FimFormat::Spm];
    let known = orders.into_iter().filter(|order| family.knows(*order));
    let known: Vec<_> = known.map(|order| order.to_string()).collect();
    match &*family.source {
        "" => known.join(", "),
        source => format!("{} ({source})", known.join(", ")),
    }
}

/// The layout of a repository-level text up to and with the prefix, which is shown as P.
fn form(repo: &RepoLayout, family: &Family) -> String {
    let files = format!("{}{}\u{2026}{}", repo.head, repo.file, repo.current);
    let marker = &family.prefix;
    let before = &repo.before_prefix;
    if repo.in_prefix {
        format!("{marker}{files}{before}P")
    } else {
        // In a family with the suffix first, the suffix stands before the prefix.
        let suffix = match family.order {
            PartOrder::PrefixFirst => String::new(),
            PartOrder::SuffixFirst => format!("{}S", family.suffix),
        };
        format!("{files}{suffix}{marker}{before}P")
    }
}

/// The text, quoted if parts of it would be invisible.
fn quoted(text: &str) -> String {
    if text.is_empty() {
        "none".to_owned()
    } else if text.trim() == text && !text.contains('\n') {
        text.to_owned()
    } else {
        format!("\"{}\"", text.replace('\n', "\\n"))
    }
}
