//! What a project says stays inside it. A project that somebody has only opened cannot
//! make fimd read a file outside, whatever its files name and whatever links it has.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use notify::{EventKind, RecursiveMode, Watcher};
use serde_json::json;

use crate::common::contexts::contexts_at;
use crate::common::fimd;

/// A class outside of the project, which a context must not show.
const LEAK: &str =
    "-----BEGIN KEY-----\n<?php\nclass LeakedKey { public function leakedSecret(): int {} }\n";

const BUFFERS: [&str; 2] = [
    "<?php\nfunction f(LeakedKey $key) {\n    $key->|\n}\n",
    "<?php\nfunction f() {\n    new Leaked|\n}\n",
];

/// A folder with a project in `project`, and files around it that are none of its
/// business.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        for path in [
            "keys/id.pem",
            "keys/LeakedKey.php",
            "keys/src/LeakedKey.php",
            "keys/LeakedKey/LeakedKey.php",
            "pkg/one/src/LeakedKey.php",
            "vendor/a/src/LeakedKey.php",
        ] {
            place.write(path, LEAK);
        }
        let all = r#"{"autoload": {"psr-4": {"": "src"}, "files": ["src/LeakedKey.php"]}}"#;
        place.write("pkg/one/composer.json", all);
        place.write("keys/composer.json", all);
        place.write(
            "vendor/composer/autoload_psr4.php",
            "<?php $vendorDir = dirname(__DIR__); return array('' => array($vendorDir . '/a/src'));",
        );
        place.write(
            "keys/services.yaml",
            "services:\n  key: { class: LeakedKey }\n",
        );
        place.write("keys/LICENSE", "Apache License Version 2.0, January 2004");
        place.write("keys/HEAD", "0123456789abcdef0123456789abcdef01234567\n");
        place.write("keys/.gitignore", "*.php\n");
        place.write("keys/begin", "");
        place.write("keys/end", "");
        place.write(
            "project/src/Use.php",
            "<?php\nuse LeakedKey;\nclass Uses extends LeakedKey { function f(LeakedKey $key) { return 1; } }\n",
        );
        place
    }

    fn path(&self) -> PathBuf {
        self.0.path().canonicalize().unwrap()
    }

    fn project(&self) -> PathBuf {
        self.path().join("project")
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let text = text.replace("{place}", self.path().to_str().unwrap());
        std::fs::write(path, text).unwrap();
    }

    fn link(&self, path: &str, target: &str) {
        let path = self.0.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let target = target.replace("{place}", self.path().to_str().unwrap());
        symlink(target, path).unwrap();
    }

    /// Reports what is opened outside of the project from now on.
    fn watch(&self) -> Opened {
        let (send, events) = mpsc::channel();
        let mut watcher =
            notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
                let event = event.unwrap();
                if matches!(event.kind, EventKind::Access(_)) {
                    for path in event.paths {
                        drop(send.send(path));
                    }
                }
            })
            .unwrap();
        for folder in ["keys", "pkg", "vendor"] {
            let folder = self.path().join(folder);
            watcher.watch(&folder, RecursiveMode::Recursive).unwrap();
        }
        let opened = Opened {
            events,
            folder: self.path().join("keys"),
            _watcher: watcher,
        };
        // The watcher itself has opened the folders.
        opened.until("begin");
        opened
    }

    /// The contexts of an editor that has opened `folder`, one of each buffer.
    fn contexts(&self, folder: &Path) -> String {
        let initialize = json!({"roots": [folder], "bm25": true});
        let file = self.project().join("src/buffer.php");
        contexts_at(&initialize, file.to_str().unwrap(), &BUFFERS).concat()
    }

    /// Runs `fimd` with `args`, and with these settings if there are any.
    fn run(&self, args: &[&str], settings: &str) -> Output {
        let mut command = fimd();
        if !settings.is_empty() {
            self.write("settings.toml", settings);
            command
                .arg("--settings")
                .arg(self.path().join("settings.toml"));
        }
        let output = command.arg("--no-cache").args(args).output().unwrap();
        let log = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{log}");
        output
    }

    /// What `fimd files --why` prints, and its log.
    fn why(&self, settings: &str) -> (String, String) {
        let project = self.project();
        let output = self.run(&["files", project.to_str().unwrap(), "--why"], settings);
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (text(output.stdout), text(output.stderr))
    }
}

/// What was opened outside of a project.
struct Opened {
    events: Receiver<PathBuf>,
    folder: PathBuf,
    _watcher: notify::RecommendedWatcher,
}

impl Opened {
    /// What was opened until now. Opens the file `mark` to know when all is reported.
    fn until(&self, mark: &str) -> Vec<PathBuf> {
        let mark = self.folder.join(mark);
        std::fs::read(&mark).unwrap();
        let next = || self.events.recv_timeout(Duration::from_secs(20));
        let mut opened = Vec::new();
        loop {
            match next().expect("the mark is seen") {
                path if path == mark => return opened,
                path => opened.push(path),
            }
        }
    }

    /// Fails if anything was opened.
    fn assert_nothing(&self, what: &str) {
        let mut opened = self.until("end");
        opened.retain(|path| !path.ends_with("keys/begin"));
        assert_eq!(opened, [""; 0].map(PathBuf::from), "{what}");
    }
}

/// The ways in which the project names what is outside: files, then links.
type Ways = (
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static [(&'static str, &'static str)],
);

const WAYS: &[Ways] = &[
    (
        "psr-4",
        &[(
            "composer.json",
            r#"{"autoload": {"psr-4": {"": "../keys"}}}"#,
        )],
        &[],
    ),
    (
        "psr-0",
        &[(
            "composer.json",
            r#"{"autoload": {"psr-0": {"": "../keys/LeakedKey"}}}"#,
        )],
        &[],
    ),
    (
        "classmap",
        &[(
            "composer.json",
            r#"{"autoload": {"classmap": ["../keys", "../keys/id.pem"]}}"#,
        )],
        &[],
    ),
    (
        "files",
        &[(
            "composer.json",
            r#"{"autoload": {"files": ["../keys/id.pem", "src/../../keys/id.pem"]}}"#,
        )],
        &[],
    ),
    (
        "path repositories",
        &[(
            "composer.json",
            r#"{"repositories": [{"type": "path", "url": "../pkg/*"}, {"type": "path", "url": "{place}/pkg/one"},
                {"type": "path", "url": "{place}/*/one"}]}"#,
        )],
        &[],
    ),
    (
        "vendor-dir",
        &[(
            "composer.json",
            r#"{"config": {"vendor-dir": "../vendor"}}"#,
        )],
        &[],
    ),
    (
        "an absolute vendor-dir",
        &[(
            "composer.json",
            r#"{"config": {"vendor-dir": "{place}/vendor"}}"#,
        )],
        &[],
    ),
    (
        "generated maps",
        &[
            (
                "vendor/composer/autoload_psr4.php",
                "<?php $baseDir = dirname(dirname(__DIR__)); return array('' => array($baseDir . '/../keys', $baseDir . '/out'));",
            ),
            (
                "vendor/composer/autoload_classmap.php",
                "<?php $baseDir = dirname(dirname(__DIR__)); return array('LeakedKey' => $baseDir . '/../keys/id.pem');",
            ),
            (
                "vendor/composer/autoload_files.php",
                "<?php $baseDir = dirname(dirname(__DIR__)); return array('1' => $baseDir . '/out/id.pem');",
            ),
        ],
        &[("out", "../keys")],
    ),
    ("a linked vendor", &[], &[("vendor", "{place}/vendor")]),
    (
        "a linked package",
        &[(
            "vendor/composer/autoload_psr4.php",
            "<?php $vendorDir = dirname(__DIR__); return array('' => array($vendorDir . '/acme/key/src'));",
        )],
        &[("vendor/acme/key", "../../../keys")],
    ),
    (
        "a linked file in a folder of classes",
        &[(
            "composer.json",
            r#"{"autoload": {"psr-4": {"": "src"}, "files": ["lib.php"]}}"#,
        )],
        &[
            ("src/LeakedKey.php", "{place}/keys/LeakedKey.php"),
            ("lib.php", "../keys/id.pem"),
        ],
    ),
    (
        "linked stubs",
        &[("vendor/composer/installed.json", "{}")],
        &[
            ("vendor/acme/key-stubs", "../../../keys"),
            ("_ide_helper.php", "../keys/id.pem"),
            ("vendor/b", "../../keys"),
        ],
    ),
    (
        "a linked composer.json",
        &[],
        &[("composer.json", "../keys/composer.json")],
    ),
    (
        "a plugin's own",
        &[(
            "plugin/composer.json",
            r#"{"config": {"vendor-dir": "../../vendor"}}"#,
        )],
        &[("p/vendor", "../../vendor")],
    ),
    (
        "linked services",
        &[],
        &[("services.yaml", "../keys/services.yaml")],
    ),
    (
        "a linked ignore file",
        &[],
        &[
            ("src/.gitignore", "../../keys/.gitignore"),
            (".fimignore", "../keys/.gitignore"),
        ],
    ),
    (
        "Drupal's core",
        &[(
            "composer.json",
            r#"{"autoload": {"psr-4": {"Drupal\\Core\\": "../keys/lib/Drupal/Core"}}}"#,
        )],
        &[],
    ),
];

#[test]
fn nothing_outside_of_a_project_is_opened_whatever_it_names() {
    for (way, files, links) in WAYS {
        let place = Place::new();
        for (path, text) in *files {
            place.write(&format!("project/{path}"), text);
        }
        for (path, target) in *links {
            place.link(&format!("project/{path}"), target);
        }
        let opened = place.watch();
        let context = place.contexts(&place.project());
        assert!(!context.contains("leakedSecret"), "{way}: {context}");
        place.why("");
        opened.assert_nothing(way);
    }
}

#[test]
fn a_dataset_shows_nothing_from_outside() {
    let place = Place::new();
    place.write(
        "project/composer.json",
        r#"{"autoload": {"psr-4": {"": ["../keys", "{place}/keys"]}, "classmap": ["../keys"],
            "files": ["../keys/id.pem"]}, "repositories": [{"type": "path", "url": "{place}/pkg/*"}]}"#,
    );
    place.link("project/LICENSE", "../keys/LICENSE");
    place.write("project/.git", "gitdir: ../keys\n");
    let shop = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/shop/src");
    let copied = Command::new("cp")
        .args(["-r", shop])
        .arg(place.project())
        .status();
    assert!(copied.unwrap().success());
    let opened = place.watch();
    let (project, data) = (place.project(), place.path().join("data"));
    place.run(
        &[
            "generate",
            project.to_str().unwrap(),
            "--output",
            data.to_str().unwrap(),
        ],
        "",
    );
    opened.assert_nothing("something outside");
    let text = std::fs::read_to_string(data.join("train.jsonl")).unwrap();
    assert!(text.lines().count() > 5, "{text}");
    for leak in [
        "leakedSecret",
        place.path().to_str().unwrap(),
        "0123456789abcdef",
        "Apache",
    ] {
        assert!(!text.contains(leak), "{leak}");
    }
}

#[test]
fn what_was_refused_is_said_with_the_setting_that_allows_it() {
    let place = Place::new();
    place.write(
        "project/composer.json",
        r#"{"autoload": {"psr-4": {"": "../keys"}}, "repositories": [{"type": "path", "url": "{place}/pkg/one"}]}"#,
    );
    let (listed, _) = place.why("");
    let keys = place.path().join("keys");
    let line = format!(
        "-\t../keys\tcomposer.json: leads out of the project, to {}\n",
        keys.display()
    );
    assert!(listed.contains(&line), "{listed}");
    assert!(listed.contains("pkg/one"), "{listed}");
    let project = place.project();
    let file = project.join("src/Use.php");
    let args = [
        "context",
        file.to_str().unwrap(),
        "--project",
        project.to_str().unwrap(),
        "--at",
        "3:70",
    ];
    let log = String::from_utf8(place.run(&args, "").stderr).unwrap();
    for part in [
        "../keys is not read",
        "leads out of the project",
        "trusted_projects under [files]",
    ] {
        assert!(log.contains(part), "{part}: {log}");
    }
}

#[test]
fn a_trusted_project_may_name_what_is_outside_and_shows_no_absolute_path() {
    let place = Place::new();
    place.write(
        "project/composer.json",
        r#"{"repositories": [{"type": "path", "url": "{place}/pkg/one"}]}"#,
    );
    let project = place.project();
    let file = project.join("src/Use.php");
    place.write(
        "project/src/Use.php",
        "<?php\nfunction f(LeakedKey $key) {\n    $key->x();\n}\n",
    );
    place.write(
        "project/src/Other.php",
        "<?php\nclass Other extends LeakedKey {}\n",
    );
    let args = [
        "context",
        file.to_str().unwrap(),
        "--project",
        project.to_str().unwrap(),
        "--at",
        "3:11",
    ];
    let context = |settings: &str| String::from_utf8(place.run(&args, settings).stdout).unwrap();
    let shown = "// --- one/src/LeakedKey.php ---";
    let trusts = |folder: &Path| format!("[files]\ntrusted_projects = [{folder:?}]\n");
    for folder in [project.clone(), place.path()] {
        let context = context(&trusts(&folder));
        assert!(context.contains("leakedSecret"), "{context}");
        assert!(context.contains(shown), "{context}");
        assert!(
            !context.contains(place.path().to_str().unwrap()),
            "{context}"
        );
    }
    for settings in [String::new(), trusts(&place.path().join("pkg"))] {
        let context = context(&settings);
        assert!(!context.contains("leakedSecret"), "{context}");
    }
    let (listed, log) = place.why(&trusts(&project));
    assert!(
        !listed.contains("leads out") && log.is_empty(),
        "{listed}{log}"
    );
    place.write("settings.toml", "[files]\ntrusted_projects = [\"src\"]\n");
    let settings = place.path().join("settings.toml");
    let run = fimd()
        .arg("--settings")
        .arg(settings)
        .args(["files", "."])
        .output();
    let said = String::from_utf8(run.unwrap().stderr).unwrap();
    assert!(
        said.contains("files.trusted_projects: expected an array of absolute paths"),
        "{said}"
    );
}

#[test]
fn packages_beside_a_project_are_known_in_one_opened_folder_or_repository() {
    let place = Place::new();
    place.write(
        "project/composer.json",
        r#"{"autoload": {"psr-4": {"App\\": "src"}}, "repositories": [{"type": "path", "url": "../pkg/*"}]}"#,
    );
    let shown = |folder: &Path| place.contexts(folder).contains("leakedSecret");
    assert!(!shown(&place.project()));
    assert!(shown(&place.path()));
    // Composer links path repositories into `vendor`.
    place.write(
        "project/composer.json",
        r#"{"autoload": {"psr-4": {"App\\": "src"}}}"#,
    );
    place.write(
        "project/vendor/composer/autoload_psr4.php",
        "<?php $vendorDir = dirname(__DIR__); return array('' => array($vendorDir . '/acme/one/src'));",
    );
    place.link("project/vendor/acme/one", "../../../pkg/one");
    assert!(!shown(&place.project()));
    assert!(shown(&place.path()));
    // A repository is one whole.
    std::fs::create_dir(place.path().join(".git")).unwrap();
    assert!(shown(&place.project()));
}

#[test]
fn a_repository_of_another_user_widens_no_project() {
    if !rustix::process::geteuid().is_root() {
        return crate::common::skip("root, to give a folder to another user");
    }
    let place = Place::new();
    place.write(
        "project/composer.json",
        r#"{"autoload": {"psr-4": {"": "../keys"}}}"#,
    );
    std::fs::create_dir(place.path().join(".git")).unwrap();
    let shown = || place.contexts(&place.project()).contains("leakedSecret");
    assert!(shown());
    let chown = Command::new("chown")
        .arg("65534")
        .arg(place.path().join(".git"))
        .status();
    assert!(chown.unwrap().success());
    assert!(!shown());
}
