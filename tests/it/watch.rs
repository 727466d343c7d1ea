//! Changes on disk while the real binary serves. Each test waits until an answer
//! shows the change.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use crate::common::daemon::{Daemon, wait_for};
use crate::common::{Client, Project, fimd};

/// The connection of a client.
enum Connection {
    Pipes(Client),
    Socket(BufReader<UnixStream>),
}

impl Connection {
    fn ask(&mut self, line: &str) -> String {
        match self {
            Self::Pipes(client) => {
                client.send(format!("{line}\n"));
                client.answer()
            }
            Self::Socket(stream) => {
                stream.get_mut().write_all(line.as_bytes()).unwrap();
                stream.get_mut().write_all(b"\n").unwrap();
                let mut answer = String::new();
                stream.read_line(&mut answer).unwrap();
                answer
            }
        }
    }
}

/// A project that is served.
struct ServedProject {
    root: PathBuf,
    asker: Connection,
}

impl ServedProject {
    fn open(project: &Project, includes: &[&Path], asker: Connection) -> Self {
        let root = project.path().canonicalize().unwrap();
        let mut served = Self { root, asker };
        let params = serde_json::json!({"project_root": served.root, "include_paths": includes});
        let answer = served.asker.ask(&request("initialize", &params));
        assert!(answer.contains("file_count"), "{answer}");
        served
    }

    fn over_pipes(project: &Project) -> Self {
        Self::open(project, &[], Connection::Pipes(Client::start(&mut fimd())))
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).unwrap();
    }

    /// The context for a class.
    fn context(&mut self, class: &str) -> String {
        let content = format!("<?php\n$it = new {class}();\n$it->");
        let params = serde_json::json!({
            "filepath": "buffer.php", "content": content, "cursor_offset": content.len(),
        });
        self.asker.ask(&request("getContext", &params))
    }

    /// Waits until the context shows the method of the class.
    fn shows(&mut self, class: &str, method: &str) {
        let what = format!("{class}::{method}");
        wait_for(&what, || self.context(class).contains(method).then_some(()));
    }

    /// Waits until the context no longer shows the class.
    fn hides(&mut self, class: &str, method: &str) {
        let what = format!("{class}::{method} to go");
        wait_for(&what, || {
            (!self.context(class).contains(method)).then_some(())
        });
    }
}

fn request(method: &str, params: &serde_json::Value) -> String {
    serde_json::json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string()
}

fn class(name: &str, method: &str) -> String {
    format!("<?php\nclass {name} {{ public function {method}() {{}} }}\n")
}

fn project() -> Project {
    Project::new(&[
        ("a.php", &class("A", "alpha")),
        ("src/b.php", &class("B", "beta")),
        ("vendor/x/v.php", &class("V", "vendored")),
    ])
}

/// Every change that can happen to a single file.
fn files_change(served: &mut ServedProject) {
    served.write("new.php", &class("Fresh", "created"));
    served.shows("Fresh", "created");
    served.write("new.php", &class("Fresh", "changed"));
    served.shows("Fresh", "changed");
    served.rename("new.php", "src/other.php");
    served.write("src/b.php", &class("B", "second"));
    served.shows("B", "second");
    served.shows("Fresh", "changed");
    // Editors save like this: a new file replaces the old one.
    served.write("src/.b.php.swp", &class("B", "replaced"));
    served.rename("src/.b.php.swp", "src/b.php");
    served.shows("B", "replaced");
    fs::remove_file(served.path("src/other.php")).unwrap();
    served.hides("Fresh", "changed");
}

#[test]
fn files_that_change_show_over_pipes() {
    let project = project();
    files_change(&mut ServedProject::over_pipes(&project));
}

#[test]
fn files_that_change_show_over_a_socket() {
    let (project, daemon) = (project(), Daemon::start());
    let asker = Connection::Socket(BufReader::new(daemon.connect()));
    let mut served = ServedProject::open(&project, &[], asker);
    files_change(&mut served);
    let asker = Connection::Socket(BufReader::new(daemon.connect()));
    let mut other = ServedProject::open(&project, &[], asker);
    served.write("late.php", &class("Late", "shared"));
    served.shows("Late", "shared");
    other.shows("Late", "shared");
}

#[test]
fn folders_that_come_move_and_go_show() {
    let project = project();
    let outside = tempfile::tempdir_in(project.path().parent().unwrap()).unwrap();
    let mut served = ServedProject::over_pipes(&project);
    served.write("one/two/three/deep.php", &class("Deep", "made"));
    served.shows("Deep", "made");
    served.rename("one", "uno");
    served.write("uno/two/three/deep.php", &class("Deep", "moved"));
    served.shows("Deep", "moved");
    fs::rename(served.path("uno"), outside.path().join("uno")).unwrap();
    served.hides("Deep", "moved");
    fs::write(
        outside.path().join("uno/two/more.php"),
        class("More", "brought"),
    )
    .unwrap();
    fs::rename(outside.path().join("uno"), served.path("src/uno")).unwrap();
    served.shows("More", "brought");
    served.shows("Deep", "moved");
    served.write("src/uno/two/three/deep.php", &class("Deep", "followed"));
    served.shows("Deep", "followed");
    fs::remove_dir_all(served.path("src")).unwrap();
    served.hides("Deep", "followed");
    served.hides("B", "beta");
}

#[test]
fn rules_that_change_are_followed() {
    let project = project();
    let mut served = ServedProject::over_pipes(&project);
    served.write("src/.gitignore", "b.php\n");
    served.hides("B", "beta");
    fs::remove_file(served.path("src/.gitignore")).unwrap();
    served.shows("B", "beta");
    served.write(".fimignore", "!vendor/\n");
    served.shows("V", "vendored");
    served.write("vendor/x/v.php", &class("V", "watched"));
    served.shows("V", "watched");
}

#[test]
fn what_does_not_belong_does_not_show() {
    let project = project();
    let mut served = ServedProject::over_pipes(&project);
    served.write("cache/c.php", &class("Cached", "cached"));
    served.write("vendor/x/new.php", &class("Package", "packaged"));
    symlink("a.php", served.path("link.php")).unwrap();
    symlink(served.path("src"), served.path("linked")).unwrap();
    served.write("src/b.php", &class("B", "through"));
    // When the last change has been seen, all earlier ones have been seen.
    served.write("last.php", &class("Last", "done"));
    served.shows("Last", "done");
    served.shows("B", "through");
    assert!(!served.context("Cached").contains("cached"));
    assert!(!served.context("Package").contains("packaged"));
    let params = serde_json::json!({"project_root": served.root});
    let answer = served.asker.ask(&request("initialize", &params));
    assert!(answer.contains(r#""file_count":3"#), "{answer}");
}

#[test]
fn a_composer_json_that_changes_leads_to_other_classes() {
    let project = project();
    let mut served = ServedProject::over_pipes(&project);
    served.write(
        "vendor/pkg/Thing.php",
        "<?php\nnamespace Pkg;\nclass Thing { public function thingy() {} }\n",
    );
    served.write(
        "composer.json",
        r#"{"autoload": {"psr-4": {"Pkg\\": "vendor/pkg/"}}}"#,
    );
    served.shows("\\Pkg\\Thing", "thingy");
    served.write("composer.json", "{}");
    served.hides("\\Pkg\\Thing", "thingy");
    let map = r"<?php $vendorDir = dirname(__DIR__); return array('Pkg\\' => array($vendorDir . '/pkg'));";
    served.write("vendor/composer/autoload_psr4.php", map);
    served.shows("\\Pkg\\Thing", "thingy");
    served.write("vendor/composer/autoload_psr4.php", "<?php return array();");
    served.hides("\\Pkg\\Thing", "thingy");
}

#[test]
fn an_included_file_is_watched_wherever_it_is() {
    let (project, other) = (project(), tempfile::tempdir().unwrap());
    let file = other.path().canonicalize().unwrap().join("single.php");
    fs::write(&file, class("Single", "first")).unwrap();
    let asker = Connection::Pipes(Client::start(&mut fimd()));
    let mut served = ServedProject::open(&project, &[&file], asker);
    served.shows("Single", "first");
    fs::write(&file, class("Single", "second")).unwrap();
    served.shows("Single", "second");
    let next = file.with_extension("tmp");
    for method in ["third", "fourth"] {
        fs::write(&next, class("Single", method)).unwrap();
        fs::rename(&next, &file).unwrap();
        served.shows("Single", method);
    }
}

#[test]
fn a_root_that_goes_takes_its_files_along_and_brings_them_back() {
    let folder = Project::new(&[("app/a.php", &class("A", "alpha"))]);
    let root = folder.path().canonicalize().unwrap().join("app");
    let mut client = Client::start(&mut fimd());
    let params = serde_json::json!({"project_root": root});
    client.send(request("initialize", &params) + "\n");
    client.answer();
    let mut served = ServedProject {
        root: root.clone(),
        asker: Connection::Pipes(client),
    };
    for (gone, method) in [("alpha", "again"), ("again", "thrice")] {
        served.shows("A", gone);
        fs::remove_dir_all(&root).unwrap();
        served.hides("A", gone);
        served.write("a.php", &class("A", method));
        served.shows("A", method);
    }
    served.write("b/b.php", &class("B", "watched"));
    served.shows("B", "watched");
    let Connection::Pipes(client) = served.asker else {
        unreachable!("it has pipes")
    };
    let log = client.close().log;
    assert_eq!(log.matches("until it comes back").count(), 2, "{log}");
}

#[test]
fn a_file_that_may_not_be_read_is_no_source_until_it_may() {
    let project = project();
    fs::set_permissions(project.path(), fs::Permissions::from_mode(0o755)).unwrap();
    // Root may read every file, so the server must not run as root.
    let is_root = rustix::process::geteuid().is_root();
    let mut command = if is_root {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--clear-groups"]);
        command.arg(fimd().get_program());
        let surroundings = fimd();
        let set = surroundings.get_envs();
        command.envs(set.filter_map(|(name, value)| Some((name, value?))));
        command
    } else {
        fimd()
    };
    let mut served = ServedProject::open(
        &project,
        &[],
        Connection::Pipes(Client::start(&mut command)),
    );
    let (file, folder) = (served.path("a.php"), served.path("src"));
    let allow = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode));
    served.shows("A", "alpha");
    allow(&file, 0o000).unwrap();
    served.hides("A", "alpha");
    allow(&file, 0o644).unwrap();
    served.shows("A", "alpha");
    allow(&folder, 0o000).unwrap();
    served.hides("B", "beta");
    allow(&folder, 0o755).unwrap();
    served.shows("B", "beta");
    served.write("src/b.php", &class("B", "heard"));
    served.shows("B", "heard");
    let Connection::Pipes(client) = served.asker else {
        unreachable!("it has pipes")
    };
    let log = client.close().log;
    assert_eq!(log.matches("a.php: Permission denied").count(), 1, "{log}");
}

#[test]
fn a_file_put_back_to_an_older_time_shows() {
    let project = project();
    let mut served = ServedProject::over_pipes(&project);
    let text = class("A", "older");
    assert_eq!(text.len(), class("A", "alpha").len());
    served.write("next.txt", &text);
    let file = fs::File::options()
        .append(true)
        .open(served.path("next.txt"))
        .unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1))
        .unwrap();
    served.rename("next.txt", "a.php");
    served.shows("A", "older");
}

#[test]
fn nothing_is_lost_of_a_large_tree_copied_in() {
    let project = project();
    let source = tempfile::tempdir().unwrap();
    for n in 0..1200 {
        let path = source
            .path()
            .join(format!("d{}/e{}/f{n}.php", n % 40, n % 7));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, class(&format!("Copied{n}"), &format!("method{n}"))).unwrap();
    }
    let mut served = ServedProject::over_pipes(&project);
    let copied = Command::new("cp")
        .arg("-r")
        .arg(source.path())
        .arg(served.path("copied"))
        .status();
    assert!(copied.unwrap().success());
    for n in 0..1200 {
        served.shows(&format!("Copied{n}"), &format!("method{n}"));
    }
}
