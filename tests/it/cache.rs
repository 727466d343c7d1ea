//! The cache on disk. Whatever it holds, the answers are the same as those of a
//! server that starts without it.

use std::fs::{self, File, FileTimes, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use serde_json::json;

use crate::common::{Client, Project, ServerExit, fimd, skip};

/// The log has this text when the server found all files in the cache.
const WARM: &str = " new=0";

const WARNING: &str = "the cache cannot be written";

/// A project and a cache folder, both of which belong to the test alone.
struct Setup {
    cache: tempfile::TempDir,
    project: Project,
}

impl Setup {
    fn new() -> Self {
        let shop = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/shop");
        let project = Project::new(&[]);
        let copied = Command::new("cp")
            .arg("-r")
            .arg(shop.join("."))
            .arg(project.path())
            .status();
        assert!(copied.unwrap().success());
        Self {
            cache: tempfile::tempdir().unwrap(),
            project,
        }
    }

    fn folder(&self) -> PathBuf {
        self.cache.path().join("fimd")
    }

    /// The files of the cache with this extension.
    fn files(&self, extension: &str) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.folder()) else {
            return Vec::new();
        };
        let paths = entries.map(|entry| entry.unwrap().path());
        paths
            .filter(|path| path.extension().is_some_and(|e| e == extension))
            .collect()
    }

    /// The only cache file.
    fn kept(&self) -> PathBuf {
        let mut files = self.files("index");
        assert_eq!(files.len(), 1);
        files.remove(0)
    }

    fn program(&self) -> Command {
        let mut command = fimd();
        command.env("XDG_CACHE_HOME", self.cache.path());
        command.arg("--log-level=debug");
        command
    }

    /// The requests of a client: `initialize`, and `getContext` for all PHP
    /// files of the project.
    fn questions(&self) -> String {
        let root = self.project.path();
        let mut files = Vec::new();
        let mut folders = vec![root.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|e| e == "php") {
                    files.push(path);
                }
            }
        }
        files.sort();
        assert!(files.len() > 10);
        let mut lines = json!({
            "jsonrpc": "2.0", "id": 0, "method": "initialize",
            "params": {"project_root": root, "bm25": true},
        })
        .to_string();
        for (id, path) in (1..).zip(&files) {
            let content = fs::read(path).unwrap();
            let content = String::from_utf8_lossy(&content);
            let request = json!({
                "jsonrpc": "2.0", "id": id, "method": "getContext",
                "params": {"filepath": path, "content": content},
            });
            lines += &format!("\n{request}");
        }
        lines + "\n"
    }

    /// The answers to all requests, in their order, and the log.
    fn ask(&self, command: &mut Command) -> (Vec<String>, String) {
        let mut client = Client::start(command);
        client.send(self.questions());
        finish(client)
    }

    /// The answers of a server without a cache.
    fn expected(&self) -> Vec<String> {
        let (answers, log) = self.ask(self.program().arg("--no-cache"));
        assert!(!log.contains(WARM));
        assert!(answers.iter().all(|answer| answer.contains("\"result\"")));
        answers
    }

    /// Runs all requests with the cache as it is, checks the answers, and
    /// returns the log.
    fn check(&self, expected: &[String]) -> String {
        let (answers, log) = self.ask(&mut self.program());
        assert_eq!(answers, expected);
        log
    }
}

fn finish(client: Client) -> (Vec<String>, String) {
    let ServerExit {
        mut answers,
        code,
        log,
    } = client.close();
    assert_eq!(code, Some(0), "{log}");
    answers.sort();
    (answers, log)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_second_start_reads_the_cache_and_answers_alike() {
    let place = Setup::new();
    let expected = place.expected();
    assert!(!place.folder().exists());
    assert!(!place.check(&expected).contains(WARM));
    assert_eq!(mode(&place.folder()), 0o700);
    assert_eq!(mode(&place.kept()), 0o600);
    assert!(place.check(&expected).contains(WARM));
    assert!(place.files("tmp").is_empty());
}

#[test]
fn what_has_changed_since_is_read_anew() {
    let place = Setup::new();
    place.check(&place.expected());
    let path = |file: &str| place.project.path().join(file);
    fs::rename(path("src/Model/Product.php"), path("src/Model/Article.php")).unwrap();
    fs::remove_file(path("src/Legacy/Basket.php")).unwrap();
    let order = fs::read_to_string(path("src/Model/Order.php")).unwrap();
    let order = order.replace("public function ", "public function renamed");
    fs::write(path("src/Model/Order.php"), order).unwrap();
    fs::write(path("new.php"), "<?php function brandNew(): Order {}").unwrap();
    let expected = place.expected();
    let log = place.check(&expected);
    assert!(!log.contains(WARM), "{log}");
    assert!(place.check(&expected).contains(WARM));
}

#[test]
fn a_damaged_file_is_as_good_as_none() {
    let place = Setup::new();
    let expected = place.expected();
    place.check(&expected);
    let kept = place.kept();
    let good = fs::read(&kept).unwrap();
    let rewritten = |bytes: &[u8]| {
        fs::write(&kept, bytes).unwrap();
        assert!(!place.check(&expected).contains(WARM));
        assert_eq!(fs::read(&kept).unwrap(), good);
    };
    for part in 0..8 {
        let at = good.len() * part / 8;
        rewritten(&good[..at]);
        let mut flipped = good.clone();
        flipped[at] ^= 1 << part;
        rewritten(&flipped);
    }
    // A file of another version is not damaged: its checksum is right.
    let (body, _) = good.split_at(good.len() - 32);
    let mut other = body.to_vec();
    other[8] ^= 1;
    let hash = blake3::hash(&other);
    other.extend_from_slice(hash.as_bytes());
    rewritten(&other);
}

#[test]
fn many_processes_at_once_do_not_disturb_each_other() {
    let place = Setup::new();
    let expected = place.expected();
    let questions = place.questions();
    for _ in 0..3 {
        let mut clients: Vec<_> = (0..4)
            .map(|_| Client::start(&mut place.program()))
            .collect();
        clients
            .iter_mut()
            .for_each(|client| client.send(&questions));
        for client in clients {
            let (answers, log) = finish(client);
            assert_eq!(answers, expected);
            assert!(!log.contains(WARNING), "{log}");
        }
        fs::remove_file(place.kept()).unwrap();
    }
}

#[test]
fn a_process_killed_while_it_writes_leaves_nothing_that_stays() {
    let place = Setup::new();
    let expected = place.expected();
    let questions = place.questions();
    for _ in 0..20 {
        let mut command = place.program();
        let mut child = command
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        std::io::Write::write_all(&mut input, questions.as_bytes()).unwrap();
        while place.files("tmp").is_empty() && place.files("index").is_empty() {
            assert_eq!(child.try_wait().unwrap(), None);
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        for kept in place.files("index") {
            fs::remove_file(kept).unwrap();
        }
    }
    place.check(&expected);
    assert!(place.files("tmp").is_empty());
    assert!(place.check(&expected).contains(WARM));
}

#[test]
fn what_is_abandoned_or_old_is_removed_and_nothing_else() {
    let place = Setup::new();
    fs::create_dir(place.folder()).unwrap();
    fs::set_permissions(place.folder(), Permissions::from_mode(0o755)).unwrap();
    let made = |name: &str, days: u64| {
        let path = place.folder().join(name);
        let file = File::create(&path).unwrap();
        let then = SystemTime::now() - Duration::from_secs(days * 24 * 60 * 60);
        file.set_times(FileTimes::new().set_modified(then)).unwrap();
        (path, file)
    };
    let (abandoned, _) = made("abandoned.tmp", 0);
    let (busy, writer) = made("busy.tmp", 90);
    writer.lock().unwrap();
    let (old, _) = made("old.index", 31);
    let (used, _) = made("used.index", 29);
    let (foreign, _) = made("notes.txt", 90);
    place.check(&place.expected());
    assert!(!abandoned.exists() && !old.exists());
    assert!(busy.exists() && used.exists() && foreign.exists());
    assert_eq!(mode(&place.folder()), 0o700);
}

#[test]
fn a_cache_that_cannot_be_written_is_a_warning() {
    let place = Setup::new();
    let expected = place.expected();
    fs::write(place.folder(), "no folder").unwrap();
    let log = place.check(&expected);
    assert!(log.contains(WARNING), "{log}");
}

#[test]
fn a_full_disk_is_a_warning() {
    let place = Setup::new();
    let expected = place.expected();
    let mount = "mount -t tmpfs -o size=8k none \"$XDG_CACHE_HOME\" && exec \"$0\" \"$@\"";
    let in_full = |program: &str| {
        let mut command = Command::new("unshare");
        command.args(["-rm", "sh", "-c", mount, program]);
        command.env("XDG_CACHE_HOME", place.cache.path());
        command
    };
    if !in_full("true")
        .status()
        .is_ok_and(|status| status.success())
    {
        skip("user namespaces, to mount a file system of 8 KiB");
        return;
    }
    let mut command = in_full(env!("CARGO_BIN_EXE_fimd"));
    let (answers, log) = place.ask(command.arg("--log-level=debug"));
    assert_eq!(answers, expected);
    assert!(log.contains(WARNING), "{log}");
}

#[test]
fn commands_share_the_cache_with_the_server() {
    let place = Setup::new();
    let root = place.project.path();
    let file = root.join("src/Model/Order.php");
    let run = || {
        let mut command = place.program();
        command.args(["context", "--at", "300", "--project"]);
        let ran = command.arg(root).arg(&file).output().unwrap();
        assert!(ran.status.success());
        (ran.stdout, String::from_utf8(ran.stderr).unwrap())
    };
    let (cold, log) = run();
    assert!(!log.contains(WARM), "{log}");
    let (warm, log) = run();
    assert!(log.contains(WARM), "{log}");
    assert_eq!(cold, warm);
    assert!(place.check(&place.expected()).contains(WARM));
}
