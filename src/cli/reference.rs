//! The reference of the command line, `docs/cli.md`, made from its definition.
//! `tests/it/docs.rs` compares the file with it and can write it anew.

use clap::builder::StyledStr;
use clap::{Arg, Command};

use super::command;

/// What stands above the commands.
const HEAD: &str = "\
# The command line

This page is for everyone who runs fimd in a shell: it lists every command with its arguments and options.

<!-- Made from the definition of the command line in src/cli; do not edit it here.
     FIMD_BLESS=1 cargo test --locked --test it docs -- renews it. -->

Data goes to stdout, everything else to stderr. The exit code is 0 if all went well, 1 if the work failed or a check found a fault, and 2 if the command line or the settings file makes no sense. A message names the option, the file or the line that is at fault. `fimd help COMMAND` prints the same texts as this page, and `fimd --version` prints the version.

`[…]` in a usage line is optional, `<…>` is required, and `...` may be repeated.
";

/// All commands with their arguments, options and defaults, as Markdown.
#[must_use]
pub fn reference() -> String {
    let mut program = command();
    // Gives each command the names of those above it.
    program.build();
    let mut page = HEAD.to_owned();
    push_command(&mut page, &program, true);
    page
}

/// Appends the section of `command` and those of the commands below it.
fn push_command(page: &mut String, command: &Command, is_program: bool) {
    let name = command.get_bin_name().unwrap_or(command.get_name());
    *page += &format!("\n## {name}\n\n");
    if let Some(about) = command.get_long_about().or(command.get_about()) {
        *page += &format!("{}\n\n", sentences(about));
    }
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    *page += &format!("```text\n{usage}\n```\n");
    let is_own = |arg: &&Arg| {
        !["help", "version"].contains(&arg.get_id().as_str())
            && !arg.is_hide_set()
            && (is_program || !arg.is_global_set())
    };
    let own: Vec<_> = command.get_arguments().filter(is_own).collect();
    if !own.is_empty() {
        page.push('\n');
    }
    let (arguments, options): (Vec<_>, Vec<_>) = own.into_iter().partition(|a| a.is_positional());
    for arg in arguments.into_iter().chain(options) {
        push_argument(page, arg);
    }
    if is_program {
        *page += "\nEvery command takes `--log-level`, `--no-cache` and `--settings`, too.\n";
    }
    for below in command.get_subcommands() {
        // `help` has commands of the same names.
        if !below.is_hide_set() && below.get_name() != "help" {
            push_command(page, below, false);
        }
    }
}

/// Appends one argument or option, with its default and its possible values.
fn push_argument(page: &mut String, arg: &Arg) {
    let takes_values = arg.get_action().takes_values();
    let short = match (arg.get_short(), arg.get_long()) {
        (Some(short), Some(_)) => format!("`-{short}`, "),
        _ => String::new(),
    };
    *page += &format!("- {short}`{}`", arg.to_string().trim());
    let defaults: Vec<_> = match takes_values && !arg.is_hide_default_value_set() {
        true => arg.get_default_values().iter().collect(),
        false => Vec::new(),
    };
    if !defaults.is_empty() {
        let defaults = defaults.iter().map(|value| value.to_string_lossy());
        *page += &format!(" (default `{}`)", defaults.collect::<Vec<_>>().join(","));
    }
    if let Some(help) = arg.get_long_help().or(arg.get_help()) {
        *page += &format!(": {}", sentences(help).replace('\n', "\n  "));
    }
    page.push('\n');
    if !takes_values || arg.is_hide_possible_values_set() {
        return;
    }
    let values = arg.get_possible_values();
    if values.iter().all(|value| value.get_help().is_none()) {
        let names: Vec<_> = values
            .iter()
            .map(|v| format!("`{}`", v.get_name()))
            .collect();
        if !names.is_empty() {
            *page += &format!("  One of {}.\n", names.join(", "));
        }
        return;
    }
    for value in values {
        let help = value.get_help().map(sentences).unwrap_or_default();
        *page += &format!("  - `{}`: {help}\n", value.get_name());
    }
}

/// A help text as prose: each paragraph ends with a full stop.
fn sentences(help: &StyledStr) -> String {
    let text = help.to_string();
    let paragraphs = text.split("\n\n").map(|paragraph| {
        let paragraph = paragraph.trim();
        let ends = paragraph.ends_with(['.', ':', '!', '?', ']']);
        format!("{paragraph}{}", if ends { "" } else { "." })
    });
    paragraphs.collect::<Vec<_>>().join("\n\n")
}
