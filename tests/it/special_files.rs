//! Pipes, devices and huge files in the place of the files that fimd looks for. None is
//! read, none blocks anybody, and the log says which and why.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::common::daemon::Daemon;
use crate::common::{Project, fimd, skip};

/// What stands in the place of a file.
#[derive(Clone, Copy, Debug)]
enum Special {
    Pipe,
    Zero,
    Stdin,
    Sparse,
    Folder,
}

const ALL: [Special; 5] = [
    Special::Pipe,
    Special::Zero,
    Special::Stdin,
    Special::Sparse,
    Special::Folder,
];

impl Special {
    /// Puts it at `path`.
    fn put(self, path: &Path) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        match self {
            Self::Pipe => {
                let made = Command::new("mkfifo").arg(path).status();
                assert!(made.unwrap().success());
            }
            Self::Zero => symlink("/dev/zero", path).unwrap(),
            Self::Stdin => symlink("/proc/self/fd/0", path).unwrap(),
            Self::Sparse => File::create(path).unwrap().set_len(1_400_000_000).unwrap(),
            Self::Folder => fs::create_dir(path).unwrap(),
        }
    }
}

/// The project that the special files are put into.
fn project() -> Project {
    Project::new(&[
        (
            "src/A.php",
            "<?php class A { public function run(): int { return 1; } }",
        ),
        ("sub/B.php", "<?php class B extends A {}"),
    ])
}

/// The most bytes of memory of a server that has read none of them.
const MOST_MEMORY: u64 = 400 << 20;

#[test]
fn no_special_file_is_read_and_no_client_waits_for_one() {
    for special in ALL {
        for name in [
            "composer.json",
            "vendor/composer/autoload_psr4.php",
            "vendor/composer/autoload_classmap.php",
            "vendor/composer/autoload_files.php",
            "_ide_helper.php",
            "sub/composer.json",
            "sub/.gitignore",
            "sub/.fimignore",
            "config/services.yaml",
            "src/C.php",
            "src/d.inc",
        ] {
            let project = project();
            special.put(&project.path().join(name));
            let daemon = Daemon::start();
            let root = project.path();
            let requests = [
                json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"project_root": root, "bm25": true}}),
                json!({"jsonrpc": "2.0", "id": 2, "method": "getContext",
                    "params": {"filepath": root.join("src/A.php"), "content": "<?php $c->get('id')->; new "}}),
            ];
            let lines: Vec<String> = requests
                .iter()
                .map(|request| format!("{request}\n"))
                .collect();
            let began = Instant::now();
            let answers = daemon.ask(lines.concat().as_bytes());
            assert!(
                !answers.contains("\"error\""),
                "{special:?} as {name}: {answers}"
            );
            assert_eq!(
                answers.lines().count(),
                2,
                "{special:?} as {name}: {answers}"
            );
            let took = began.elapsed();
            assert!(
                took < Duration::from_secs(20),
                "{special:?} as {name}: {took:?}"
            );
            let memory = daemon.resident_bytes();
            assert!(
                memory < MOST_MEMORY,
                "{special:?} as {name}: {memory} bytes"
            );
        }
    }
}

#[test]
fn a_special_file_is_named_in_the_log() {
    for (special, why) in [
        (Special::Pipe, "not a regular file"),
        (Special::Sparse, "1400000000 bytes, more than the "),
        (Special::Zero, "/dev/zero"),
    ] {
        for name in [
            "composer.json",
            "vendor/composer/autoload_psr4.php",
            ".gitignore",
        ] {
            let project = project();
            special.put(&project.path().join("sub").join(name));
            let output = fimd()
                .args(["--no-cache", "files", "--why"])
                .arg(project.path())
                .stdin(Stdio::null())
                .output()
                .unwrap();
            let log = String::from_utf8(output.stderr).unwrap();
            let listed = String::from_utf8(output.stdout).unwrap();
            let said = format!("{log}{listed}");
            assert!(
                said.contains(name) && said.contains(why),
                "{special:?} as {name}: {said}"
            );
            assert_eq!(
                said.contains("+\tsub/B.php"),
                name != ".gitignore",
                "{said}"
            );
        }
    }
}

#[test]
fn the_editors_messages_are_read_by_nobody_else() {
    let project = project();
    for name in [".gitignore", "composer.json", "sub/.fimignore", "LICENSE"] {
        Special::Stdin.put(&project.path().join(name));
    }
    let mut client = crate::common::Client::start(&mut fimd());
    let root = project.path();
    for id in 0..50 {
        let request = json!({"jsonrpc": "2.0", "id": id, "method": "initialize", "params": {"project_root": root}});
        client.send(format!("{request}\n"));
    }
    let answers = client.close().answers;
    assert_eq!(answers.len(), 50, "{answers:#?}");
}

#[test]
fn an_input_file_and_an_include_path_must_be_regular() {
    let project = project();
    for name in ["rows.jsonl", "rows.jsonl.zst", "rows.parquet", "x.php"] {
        Special::Pipe.put(&project.path().join(name));
    }
    let path = |name: &str| project.path().join(name).to_str().unwrap().to_owned();
    for args in [
        vec![
            "generate".into(),
            "--input".into(),
            path("rows.jsonl"),
            "--output".into(),
            path("data"),
        ],
        vec![
            "generate".into(),
            "--input".into(),
            path("rows.parquet"),
            "--output".into(),
            path("data"),
        ],
        vec![
            "files".into(),
            path("."),
            "--include-path".into(),
            path("x.php"),
        ],
    ] {
        let run = fimd().args(&args).stdin(Stdio::null()).output().unwrap();
        let said = String::from_utf8(run.stderr).unwrap();
        assert_ne!(run.status.code(), Some(0), "{args:?}");
        assert!(said.contains("not a regular file"), "{args:?}: {said}");
    }
}

/// What `fimd files --why` lists of `root`, and its log, run by `command`.
fn why(command: &mut Command, root: &Path) -> (String, String) {
    let output = command
        .arg("files")
        .arg(root)
        .arg("--why")
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr))
}

#[test]
fn an_ignore_file_that_cannot_be_read_hides_its_folder() {
    for name in [".gitignore", ".fimignore"] {
        for (text, reason) in [
            (None, "not a regular file"),
            (
                Some(b"# \xe9t\xe9\n\nsecret\xe9.php\n".to_vec()),
                "line 3 is not UTF-8",
            ),
            (
                Some(vec![b'\n'; (1 << 20) + 1]),
                "more than the 1048576 bytes",
            ),
            (Some(b"a.php\n".repeat(10_001)), "more than 10000 rules"),
        ] {
            let project = Project::new(&[
                ("a.php", "<?php"),
                ("in/secret.php", "<?php"),
                ("in/deep/b.php", "<?php"),
            ]);
            let file = project.path().join("in").join(name);
            match text {
                Some(text) => fs::write(&file, text).unwrap(),
                None => fs::create_dir(&file).unwrap(),
            }
            let (listed, log) = why(&mut fimd(), project.path());
            let out = format!("-\tin/\tin/{name}: cannot be read: ");
            let mut lines = listed.lines();
            assert_eq!(lines.next(), Some("+\ta.php"), "{listed}");
            let line = lines.next().unwrap();
            assert!(
                line.starts_with(&out) && line.contains(reason),
                "{reason}: {line}"
            );
            assert_eq!(lines.next(), None, "{listed}");
            assert!(log.contains("its folder is left out until it can"), "{log}");
        }
    }
    // The root itself, and comments in another encoding.
    let project = Project::new(&[("a.php", "<?php")]);
    fs::write(project.path().join(".gitignore"), b"# \xe9t\xe9\n*.log\n").unwrap();
    assert_eq!(why(&mut fimd(), project.path()).0, "+\ta.php\n");
    Special::Pipe.put(&project.path().join(".fimignore"));
    let (listed, _) = why(&mut fimd(), project.path());
    assert_eq!(
        listed,
        "-\t./\t.fimignore: cannot be read: not a regular file\n"
    );
}

#[test]
fn an_ignore_file_without_permission_hides_its_folder() {
    let project = Project::new(&[
        ("a.php", "<?php"),
        ("in/secret.php", "<?php"),
        ("in/.gitignore", "secret.php\n"),
    ]);
    let mode = |path: &str, mode| {
        let path = project.path().join(path);
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    mode("in/.gitignore", 0);
    mode("", 0o755);
    let mut command = match rustix::process::geteuid().is_root() {
        false => fimd(),
        true => {
            if Command::new("setpriv").arg("--version").output().is_err() {
                return skip("setpriv, since root may read every file");
            }
            // The binary may lie where only root can go.
            let program = project.path().join("fimd");
            fs::copy(env!("CARGO_BIN_EXE_fimd"), &program).unwrap();
            let mut command = Command::new("setpriv");
            command
                .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
                .arg(program);
            command
                .env_remove("XDG_CONFIG_HOME")
                .env("HOME", "/nonexistent");
            command
        }
    };
    let (listed, log) = why(&mut command, project.path());
    assert_eq!(
        listed,
        "+\ta.php\n-\tin/\tin/.gitignore: cannot be read: Permission denied (os error 13)\n",
        "{log}"
    );
    assert!(
        log.contains("in/.gitignore: cannot be read: Permission denied"),
        "{log}"
    );
}

#[test]
fn however_few_files_may_be_open_nothing_hidden_is_listed() {
    let project = Project::new(&[
        ("a.php", "<?php"),
        ("in/secret.php", "<?php"),
        ("in/.gitignore", "secret.php\n"),
    ]);
    let mut listed = 0;
    for most in 3..24 {
        let script = format!("ulimit -n {most}; exec \"$0\" files \"$1\"");
        let output = Command::new("sh")
            .args(["-c", &script, env!("CARGO_BIN_EXE_fimd")])
            .arg(project.path())
            .env("XDG_CONFIG_HOME", env!("CARGO_TARGET_TMPDIR"))
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(!text.contains("secret"), "{most}: {text}");
        listed += usize::from(text == "a.php\n");
    }
    assert!(listed > 0, "it lists the project once it may open enough");
}
