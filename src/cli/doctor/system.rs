//! The checks of the cache, of the limits of inotify, and of the shared daemon.

use std::fs;
use std::io;
use std::path::Path;

use rustix::fs::{Access, access};

use super::Check;
use crate::cli::daemon::{self, DaemonDifference, DaemonProcess, SocketOption};
use crate::files::watch::{DiskChanges, WatchError, Watcher, wanted};
use crate::files::{Cache, Composer, Roots, WalkOptions, root_of, walk_existing};

/// The check of the cache. With `fix`, stale files are removed first.
pub(super) fn cache(cache: Option<&Cache>, fix: bool) -> Check {
    const NAME: &str = "cache";
    let Some(cache) = cache else {
        return Check::ok(NAME, "none is used");
    };
    let folder = cache.folder().display();
    let failed = |error: io::Error| {
        let fix = "make it a folder of yours, or use another with XDG_CACHE_HOME";
        Check::fault(NAME, format!("{folder}: {error}"), fix)
    };
    if let Err(error) = access_nearest(cache.folder()) {
        return failed(error);
    }
    let removed = match fix {
        true => cache.remove_stale(),
        false => Ok(Vec::new()),
    };
    let (removed, survey) = match removed.and_then(|removed| Ok((removed, cache.survey()?))) {
        Ok(found) => found,
        Err(error) => return failed(error),
    };
    let mut says = format!(
        "{folder}: can be written; projects: {}, {:.1} MB",
        survey.projects,
        survey.bytes as f64 / 1e6
    );
    if !removed.is_empty() {
        says += &format!("; removed: {}", removed.len());
    }
    match survey.stale.len() {
        0 => Check::ok(NAME, says),
        stale => Check::warning(
            NAME,
            format!("{says}; files of another version or of a killed process: {stale}"),
            "`fimd doctor --fix` removes them, as does the next start on a new project",
        ),
    }
}

/// Whether files can be created and read in `folder` or, if it does not exist, in
/// its nearest ancestor.
fn access_nearest(folder: &Path) -> io::Result<()> {
    let there = folder.ancestors().find(|folder| folder.exists());
    let there = there.unwrap_or(folder);
    if !fs::metadata(there)?.is_dir() {
        return Err(io::Error::other(format!("{}: no folder", there.display())));
    }
    Ok(access(
        there,
        Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK,
    )?)
}

/// The limits of inotify, and whether they suffice for the project. To find out,
/// fimd watches the project for a moment.
pub(super) fn watches(project: Option<&Path>, options: &WalkOptions) -> Check {
    const NAME: &str = "watches";
    let limit = |name: &str| {
        let text = fs::read_to_string(format!("/proc/sys/fs/inotify/{name}")).ok()?;
        text.trim().parse::<u64>().ok()
    };
    let limits = match (limit("max_user_watches"), limit("max_user_instances")) {
        (Some(watches), Some(instances)) => {
            format!("max_user_watches {watches}, max_user_instances {instances}")
        }
        // Not Linux.
        _ => "no limits of inotify".into(),
    };
    let root = project.map(Path::to_path_buf).or_else(|| {
        let here = std::env::current_dir().ok()?;
        // `root_of` looks for the project of a file, which need not exist.
        root_of(&here.join("composer.json"))
    });
    let Some(root) = root else {
        return Check::ok(
            NAME,
            format!("{limits}; no project here to count folders of"),
        );
    };
    let roots = match Roots::new(&root, &[]).map(|roots| roots.trusting(&options.trusted_projects))
    {
        Ok(roots) => roots,
        Err(error) => {
            // The remedy in the error is for other ways to name the folder.
            let says = error.to_string();
            let says = says.split("; ").next().unwrap_or_default();
            return Check::fault(NAME, says, "name another with --project");
        }
    };
    let walk = walk_existing(&roots, options);
    let wanted = wanted(
        &roots,
        &walk.folders,
        &Composer::open(&roots, &walk.beside, options),
    );
    let count = wanted.iter().filter(|folder| folder.exists()).count();
    let says = format!("{limits}; folders of {}: {count}", root.display());
    let watched = Watcher::new(|_| {})
        .and_then(|mut watcher| watcher.follow(&DiskChanges::default(), &wanted));
    let polled = "so that changes are looked for every few seconds";
    match watched {
        Ok(_) => Check::ok(NAME, says),
        Err(WatchError::TooFew) => Check::warning(
            NAME,
            format!("{says}, more than are left, {polled}"),
            "`sudo sysctl fs.inotify.max_user_watches=524288`, and the same line without `sudo \
             sysctl` in /etc/sysctl.d/60-inotify.conf keeps it",
        ),
        Err(WatchError::System(error)) => Check::warning(
            NAME,
            format!("{says}; they cannot be watched, {polled}: {error}"),
            "`sudo sysctl fs.inotify.max_user_instances=1024` if too few are left, and the same \
             line without `sudo sysctl` in /etc/sysctl.d/60-inotify.conf keeps it",
        ),
    }
}

/// The check of the shared daemon; `settings` is the file that `--settings` names.
pub(super) fn daemon(named: &SocketOption, settings: Option<&Path>) -> Check {
    const NAME: &str = "daemon";
    let Ok(socket) = named.path() else {
        return Check::ok(
            NAME,
            "not looked for: there is no usual place for its socket",
        );
    };
    let at = socket.display();
    let answer = match daemon::ask(&socket) {
        Ok(line) => daemon::result(&line),
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound => return Check::ok(NAME, format!("{at}: none runs")),
            io::ErrorKind::ConnectionRefused => {
                let says = format!("{at}: none runs, the last one has left its socket behind");
                return Check::ok(NAME, says + ", which the next replaces");
            }
            _ if daemon::is_silence(&error) => Err("it does not answer".into()),
            _ => Err(error.to_string()),
        },
    };
    let daemon = match answer.and_then(|status| daemon::read::<DaemonProcess>(&status)) {
        Ok(daemon) => daemon,
        Err(reason) => {
            let fix = "end what listens there, or name another place with --socket";
            return Check::fault(NAME, format!("{at}: {reason}"), fix);
        }
    };
    let restart = named.restart_command();
    let says = format!("{at}: fimd {} runs", daemon.version);
    match daemon.difference(settings, &restart) {
        None => Check::ok(NAME, format!("{says}, pid {}", daemon.pid)),
        Some(DaemonDifference::Version) => Check::fault(
            NAME,
            format!("{says}, which is not this version"),
            format!("run `{restart}`"),
        ),
        Some(DaemonDifference::Settings(what, fix)) => {
            Check::warning(NAME, format!("{says}, pid {}; {what}", daemon.pid), fix)
        }
    }
}
