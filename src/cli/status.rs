//! `fimd status`: a daemon's projects, clients, jobs and response times.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::daemon::{DaemonDifference, DaemonProcess, SocketOption, failure, read, status};
use super::json_file::file_json;
use super::{CliError, show};
use crate::endpoint::REREADS;
use crate::engine::completion::TargetStatus;
use crate::engine::{
    EngineStatus, JobStatus, MethodStatus, ModelStatus, ProjectStatus, RecentValues,
};

/// Print a daemon's projects, clients, jobs and response times.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    socket: SocketOption,
    /// Print the JSON result of the method `fimd/status`
    #[arg(long)]
    json: bool,
    /// Print this JSON result in place of a daemon's; `-` is stdin
    #[arg(long, value_name = "FILE|-")]
    from: Option<PathBuf>,
}

/// Runs the command. `settings` is the settings file that `--settings` names.
pub(super) fn run(args: &Args, settings: Option<&Path>) -> Result<(), CliError> {
    let socket = args.socket.path()?;
    let result = match &args.from {
        Some(file) => file_json(file, "--from")?,
        None => status(&socket)?.ok_or_else(|| {
            failure(
                &socket,
                &"no daemon listens here; `fimd connect` and the editors start one",
            )
        })?,
    };
    let mut out = io::stdout().lock();
    let printed = if args.json {
        writeln!(out, "{}", result.get())
    } else {
        let status = read(&result).map_err(|reason| failure(&socket, &reason))?;
        let daemon: DaemonProcess = read(&result).map_err(|reason| failure(&socket, &reason))?;
        let restart = args.socket.restart_command();
        let note = match daemon.difference(settings, &restart) {
            None => None,
            Some(DaemonDifference::Version) => Some(format!(
                "this program is fimd {}; run `{restart}`",
                env!("CARGO_PKG_VERSION")
            )),
            Some(DaemonDifference::Settings(what, remedy)) => Some(format!("{what}; {remedy}")),
        };
        print(&mut out, &status, note)
    };
    match printed.and_then(|()| out.flush()) {
        // The reader has closed the pipe.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(|error| CliError::Failure(format!("standard output: {error}"))),
    }
}

fn print(out: &mut impl Write, status: &EngineStatus, note: Option<String>) -> io::Result<()> {
    writeln!(out, "version  {}", status.version)?;
    writeln!(out, "pid      {}", status.pid)?;
    writeln!(out, "uptime   {}", time(status.uptime_ms))?;
    if let Some(file) = &status.settings.file {
        writeln!(out, "settings {file}")?;
    }
    if let Some(note) = note {
        writeln!(out, "note     {note}")?;
    }
    let clients = status.clients.len();
    writeln!(out, "clients  {clients}, this one included")?;
    print_projects(out, &status.projects)?;
    print_jobs(out, &status.jobs)?;
    print_methods(out, &status.methods)?;
    print_model(out, &status.model)
}

fn print_model(out: &mut impl Write, model: &ModelStatus) -> io::Result<()> {
    if model.completions == 0 {
        return Ok(());
    }
    writeln!(
        out,
        "\n{:>10} {:>10} {:>10}  model server, {} completions",
        "p50", "p90", "last", model.completions
    )?;
    for (name, values) in [
        ("tokens read", model.read_tokens),
        ("tokens reused", model.reused_tokens),
        ("ms to the first text", model.first_token_ms),
        ("ms to the text that is shown", model.shown_ms),
    ] {
        if let Some(RecentValues { p50, p90, last }) = values {
            writeln!(out, "{p50:>10.0} {p90:>10.0} {last:>10.0}  {name}")?;
        }
    }
    if let Some(target) = &model.target {
        writeln!(out, "{}", said(target))?;
    }
    if model.rereads {
        writeln!(out, "note: it {REREADS}")?;
    }
    Ok(())
}

/// The length of prompts that a budget in time allows, and why.
fn said(target: &TargetStatus) -> String {
    let TargetStatus {
        target_ms,
        total_chars,
        max_total_chars,
        ..
    } = target;
    let prompts = format!(
        "prompts: up to {total_chars} of {max_total_chars} characters (target_ms = {target_ms}); "
    );
    let (Some(speed), Some(expected_ms)) = (target.speed, target.expected_ms) else {
        return prompts + "the server's speed is not known yet";
    };
    let larger = target
        .larger_ms
        .map(|ms| format!(", with the next larger size {ms:.0} ms"));
    format!(
        "{prompts}the server {}, so a line takes on average at most {expected_ms:.0} ms{}",
        show::speed(speed),
        larger.unwrap_or_default()
    )
}

fn print_projects(out: &mut impl Write, projects: &[ProjectStatus]) -> io::Result<()> {
    if !projects.is_empty() {
        let (files, chunks) = ("files", "chunks");
        writeln!(
            out,
            "\n{files:>8} {chunks:>8} {:>10} {:>10} {:>8}  project",
            "memory", "updated", "clients"
        )?;
    }
    for project in projects {
        match &project.index {
            Some(index) => writeln!(
                out,
                "{:>8} {:>8} {:>10} {:>10} {:>8}  {}",
                index.files,
                index.chunks,
                format!("{:.1} MB", index.memory_bytes as f64 / 1e6),
                time(index.updated_ms_ago),
                project.clients,
                project.root
            )?,
            None => writeln!(out, "{:>48}  {}", "being read", project.root)?,
        }
    }
    Ok(())
}

fn print_jobs(out: &mut impl Write, jobs: &[(String, JobStatus)]) -> io::Result<()> {
    if !jobs.is_empty() {
        writeln!(
            out,
            "\n{:>10} {:>16} {:>10}  job",
            "state", "files", "examples"
        )?;
    }
    for (id, job) in jobs {
        let state = format!("{:?}", job.state).to_lowercase();
        let files = format!("{} of {}", job.files_done, job.files_total);
        let error = job.error.as_deref().map(|error| format!(": {error}"));
        writeln!(
            out,
            "{state:>10} {files:>16} {:>10}  {id}{}",
            job.examples,
            error.unwrap_or_default()
        )?;
    }
    Ok(())
}

fn print_methods(out: &mut impl Write, methods: &BTreeMap<String, MethodStatus>) -> io::Result<()> {
    if !methods.is_empty() {
        writeln!(
            out,
            "\n{:>8} {:>8} {:>10} {:>10} {:>10} {:>10}  method",
            "requests", "errors", "p50 ms", "p90 ms", "p99 ms", "max ms"
        )?;
    }
    for (name, method) in methods {
        writeln!(
            out,
            "{:>8} {:>8} {:>10.2} {:>10.2} {:>10.2} {:>10.2}  {name}",
            method.requests,
            method.errors,
            method.p50_ms,
            method.p90_ms,
            method.p99_ms,
            method.max_ms
        )?;
    }
    Ok(())
}

/// A duration in its two largest units.
fn time(ms: u64) -> String {
    let seconds = ms / 1000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min {} s", seconds % 60),
        (0, hours, _) => format!("{hours} h {} min", minutes % 60),
        (days, ..) => format!("{days} d {} h", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_their_two_largest_units() {
        let said = [999, 61_000, 3_660_000, 90_000_000].map(time);
        assert_eq!(said, ["0 s", "1 min 1 s", "1 h 1 min", "1 d 1 h"]);
    }
}
