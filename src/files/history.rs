//! The history of a project's files, from the git repository around its folder.
//!
//! fimd runs the `git` program for it, and reads every repository that the user's own
//! git reads: with any format of objects and references, linked work trees, alternates
//! and partial clones. Only plumbing commands run. They read no setting that starts
//! another program, and never the network.

use std::io::{self, BufRead, BufReader, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};
use std::sync::{Mutex, PoisonError};

use super::error::FilesError;
use super::read::decode;
use crate::dataset::history::{Commit, FileChange, History};

/// Variables that would lead git to another repository than that of the folder.
const ELSEWHERE: [&str; 7] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_COMMON_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
];

/// The history of the files in a folder, from the git repository around it.
pub struct GitHistory {
    root: PathBuf,
    commits: Vec<Commit>,
    is_shallow: bool,
    /// The largest text, in bytes.
    max_bytes: u64,
    objects: Mutex<ObjectReader>,
}

impl GitHistory {
    /// The last `most` commits that changed files in the folder `root`, without merges,
    /// and texts of at most `max_bytes`.
    ///
    /// # Errors
    /// If git cannot be run, the folder is in no repository, or the repository has no
    /// such commit.
    pub fn open(root: &Path, most: usize, max_bytes: u64) -> Result<Self, FilesError> {
        let failure = |why: &str| FilesError(format!("{}: --git: {why}", root.display()));
        let shallow = run(
            git(root).args(["rev-parse", "--is-shallow-repository"]),
            Stdio::null(),
        )
        .map_err(|error| failure(&said(&error)))?;
        let most = format!("--max-count={most}");
        let listed = run(
            git(root)
                .args(["rev-list", "--no-merges", "--topo-order", &most, "HEAD"])
                .args(["--", "."]),
            Stdio::null(),
        )
        .map_err(|error| failure(&said(&error)))?;
        let commits = changes(root, &listed).map_err(|error| failure(&said(&error)))?;
        if commits.is_empty() {
            return Err(failure(
                "no commit of its repository changes a file that was there before",
            ));
        }
        let objects = ObjectReader::start(root).map_err(|error| failure(&said(&error)))?;
        Ok(Self {
            root: root.to_owned(),
            commits,
            is_shallow: shallow.starts_with(b"true"),
            max_bytes,
            objects: Mutex::new(objects),
        })
    }
}

impl History for GitHistory {
    fn commits(&self) -> &[Commit] {
        &self.commits
    }

    fn commit(&self, id: &str) -> io::Result<Commit> {
        let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        let mut found = match is_id {
            true => changes(&self.root, format!("{id}\n").as_bytes())?,
            false => Vec::new(),
        };
        Ok(found.pop().unwrap_or_default())
    }

    fn text(&self, id: &str) -> io::Result<Result<String, &'static str>> {
        let mut objects = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = match objects.read(id, self.max_bytes)? {
            Ok(bytes) => bytes,
            Err(reason) => return Ok(Err(reason)),
        };
        Ok(match decode(bytes) {
            (text, false) => Ok(text),
            (_, true) => Err("version_not_utf8"),
        })
    }

    fn is_shallow(&self) -> bool {
        self.is_shallow
    }
}

/// The git command for the folder `root`.
fn git(root: &Path) -> Command {
    let mut command = Command::new("git");
    for name in ELSEWHERE {
        command.env_remove(name);
    }
    command
        .arg("-C")
        .arg(root)
        .args(["--no-pager", "--no-replace-objects", "--literal-pathspecs"])
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_NO_LAZY_FETCH", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("LC_ALL", "C");
    command
}

/// What `command` prints, with `input` as its input.
fn run(command: &mut Command, input: Stdio) -> io::Result<Vec<u8>> {
    let Output {
        status,
        stdout,
        stderr,
    } = command.stdin(input).output()?;
    if status.success() {
        return Ok(stdout);
    }
    let words = String::from_utf8_lossy(&stderr);
    let words = words.lines().next().unwrap_or("git failed");
    Err(io::Error::other(
        words.trim_start_matches("fatal: ").to_owned(),
    ))
}

/// `error` of git for users.
fn said(error: &io::Error) -> String {
    let words = error.to_string();
    match error.kind() {
        io::ErrorKind::NotFound => "the program git is not installed".into(),
        _ if words.starts_with("not a git repository") => {
            "the folder is in no git repository, so it has no history".into()
        }
        _ if words.contains("ambiguous argument 'HEAD'")
            || words.contains("bad revision 'HEAD'") =>
        {
            "its repository has no commit".into()
        }
        _ => words,
    }
}

/// What the commits `ids`, one a line, changed in the folder `root`. Commits without
/// changes and merges are left out.
fn changes(root: &Path, ids: &[u8]) -> io::Result<Vec<Commit>> {
    let mut input = tempfile::tempfile()?;
    input.write_all(ids)?;
    input.rewind()?;
    let mut command = git(root);
    command.args([
        "diff-tree",
        "--stdin",
        "-r",
        "-z",
        "--raw",
        "--no-abbrev",
        "--find-renames=50%",
        "-l1000",
        "--relative",
        "--diff-filter=MR",
        "--no-ext-diff",
        "--no-textconv",
    ]);
    let raw = run(&mut command, input.into())?;
    Ok(parse(&raw))
}

/// Reads the output of `git diff-tree -z --raw`. Of the changes, those of regular files
/// count. Paths that are not UTF-8 name no file of a project.
fn parse(raw: &[u8]) -> Vec<Commit> {
    let mut commits: Vec<Commit> = Vec::new();
    let mut fields = raw.split(|byte| *byte == 0);
    let text = |field: Option<&[u8]>| String::from_utf8(field?.to_vec()).ok();
    while let Some(field) = fields.next() {
        let Some(change) = field.strip_prefix(b":") else {
            let id = text(Some(field.trim_ascii())).unwrap_or_default();
            if !id.is_empty() {
                commits.push(Commit {
                    id,
                    changes: Vec::new(),
                });
            }
            continue;
        };
        let columns = String::from_utf8_lossy(change);
        let columns: Vec<_> = columns.split(' ').collect();
        let old_path = text(fields.next());
        let is_renamed = columns.last().is_some_and(|status| status.starts_with('R'));
        let path = match is_renamed {
            true => text(fields.next()),
            false => old_path.clone(),
        };
        let ([old_mode, mode, before, after, _], Some(old_path), Some(path), Some(commit)) =
            (&*columns, old_path, path, commits.last_mut())
        else {
            continue;
        };
        let is_file = old_mode.starts_with("100") && mode.starts_with("100");
        // A file may be renamed, or get another mode, with the same text.
        if is_file && (before != after || old_path != path) {
            commit.changes.push(FileChange {
                old_path,
                path,
                before: (*before).to_owned(),
                after: (*after).to_owned(),
            });
        }
    }
    commits.retain(|commit| !commit.changes.is_empty());
    commits
}

/// A `git cat-file` that gives one object after the other.
struct ObjectReader {
    child: Child,
    /// None once it is to end.
    asks: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl ObjectReader {
    fn start(root: &Path) -> io::Result<Self> {
        let mut child = git(root)
            .args(["cat-file", "--batch"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let ended = || io::Error::other("git cat-file has no pipes");
        let asks = Some(child.stdin.take().ok_or_else(ended)?);
        let answers = BufReader::new(child.stdout.take().ok_or_else(ended)?);
        Ok(Self {
            child,
            asks,
            answers,
        })
    }

    /// The bytes of the blob `id`, or why they are of no use.
    fn read(&mut self, id: &str, max_bytes: u64) -> io::Result<Result<Vec<u8>, &'static str>> {
        if let Some(asks) = &mut self.asks {
            asks.write_all(format!("{id}\n").as_bytes())?;
            asks.flush()?;
        }
        let mut header = String::new();
        self.answers.read_line(&mut header)?;
        let columns: Vec<_> = header.split_whitespace().collect();
        let (kind, size) = match *columns {
            [_, kind, size] => (kind, size.parse::<u64>().map_err(io::Error::other)?),
            [_, "missing"] => return Ok(Err("version_missing")),
            _ => return Err(io::Error::other(format!("git cat-file says {header:?}"))),
        };
        // A line break follows the object.
        let object = (&mut self.answers).take(size + 1);
        if kind != "blob" || size > max_bytes {
            io::copy(&mut { object }, &mut io::sink())?;
            return Ok(Err("version_too_large"));
        }
        let mut bytes = Vec::new();
        { object }.read_to_end(&mut bytes)?;
        bytes.pop();
        match bytes.len() as u64 == size {
            true => Ok(Ok(bytes)),
            false => Err(io::Error::other("git cat-file has ended")),
        }
    }
}

impl Drop for ObjectReader {
    fn drop(&mut self) {
        // It ends when it is asked nothing more.
        self.asks = None;
        drop(self.child.wait());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_read_with_renames_and_without_links_and_submodules() {
        let raw = [
            "c1\n",
            ":100644 100755 aa bb M",
            "src/A b.php",
            ":100644 100644 cc dd R086",
            "src/Old.php",
            "src/New.php",
            ":160000 160000 11 22 M",
            "module",
            "c2\n",
            ":120000 120000 33 44 M",
            "link.php",
            "c3\n",
            ":100644 100644 ee ee R100",
            "x.php",
            "y.php",
            "",
        ]
        .join("\0");
        let commits = parse(raw.as_bytes());
        let change = |names: [&str; 4]| {
            let [old_path, path, before, after] = names.map(str::to_owned);
            FileChange {
                old_path,
                path,
                before,
                after,
            }
        };
        let commit = |id: &str, changes: Vec<FileChange>| Commit {
            id: id.into(),
            changes,
        };
        assert_eq!(
            commits,
            [
                commit(
                    "c1",
                    vec![
                        change(["src/A b.php", "src/A b.php", "aa", "bb"]),
                        change(["src/Old.php", "src/New.php", "cc", "dd"]),
                    ],
                ),
                commit("c3", vec![change(["x.php", "y.php", "ee", "ee"])]),
            ]
        );
    }
}
