//! Which files belong to a project, their keys, and `fimd files`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use fimd::files::{self, Extensions, NameRules, Roots, Walk, WalkOptions};
use tempfile::TempDir;

use crate::common::{self, Client};

/// A tree of files; the text of each file is its path.
fn tree(paths: &[&str]) -> TempDir {
    let dir = TempDir::new().unwrap();
    for path in paths {
        write(dir.path(), path, path);
    }
    dir
}

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn walk(root: &Path, includes: &[PathBuf]) -> Walk {
    let roots = Roots::new(root, includes).unwrap();
    files::walk(&roots, &WalkOptions::default()).unwrap()
}

fn keys(walk: &Walk) -> Vec<&str> {
    walk.files.iter().map(|found| found.key.as_str()).collect()
}

fn rules(walk: &Walk) -> Vec<(&str, &str)> {
    walk.left_out
        .iter()
        .map(|out| (out.key.as_str(), out.rule.as_str()))
        .collect()
}

#[test]
fn php_is_in_and_the_default_folders_are_out() {
    let dir = tree(&[
        "b.php",
        "a/x.php",
        "a.php",
        "a/notes.txt",
        "vendor/v.php",
        "a/build/b.php",
        "a/builder/b.php",
        "page.blade.php",
        "x.min.php",
        ".hidden/h.php",
        ".h.php",
        ".git/g.php",
    ]);
    let walk = walk(dir.path(), &[]);
    assert_eq!(
        keys(&walk),
        ["a.php", "a/builder/b.php", "a/x.php", "b.php"]
    );
    assert_eq!(
        rules(&walk),
        [
            (".git/", "hidden"),
            (".h.php", "hidden"),
            (".hidden/", "hidden"),
            ("a/build/", "default: build/"),
            ("page.blade.php", "default: *.blade.php"),
            ("vendor/", "default: vendor/"),
            ("x.min.php", "default: *.min.php"),
        ]
    );
}

#[test]
fn a_root_may_lie_in_a_folder_that_would_be_left_out() {
    let dir = tree(&["build/.x/vendor/a.php"]);
    assert_eq!(
        keys(&walk(&dir.path().join("build/.x/vendor"), &[])),
        ["a.php"]
    );
}

#[test]
fn gitignore_holds_without_a_repository_and_names_its_pattern() {
    let dir = tree(&[
        "a.php",
        "gen/b.php",
        "gen/keep.php",
        "sub/c.php",
        "sub/gen/d.php",
        "sub/e.php",
    ]);
    write(dir.path(), ".gitignore", "gen/*\n!keep.php\n");
    write(dir.path(), "sub/.gitignore", "# comment\n/e.php\ngen/\n");
    let walk = walk(dir.path(), &[]);
    assert_eq!(keys(&walk), ["a.php", "gen/keep.php", "sub/c.php"]);
    assert_eq!(
        rules(&walk),
        [
            ("gen/b.php", ".gitignore: gen/*"),
            ("sub/e.php", "sub/.gitignore: /e.php"),
            ("sub/gen/", "sub/.gitignore: gen/"),
        ]
    );
}

#[test]
fn gitignore_above_the_root_holds_within_the_repository_only() {
    let dir = tree(&["top/repo/app/a.php", "top/repo/app/out.php"]);
    write(dir.path(), "top/.gitignore", "*\n");
    write(dir.path(), "top/repo/.gitignore", "out.php\napp/\n");
    let root = dir.path().join("top/repo/app");
    assert_eq!(keys(&walk(&root, &[])), ["a.php", "out.php"]);
    fs::create_dir(dir.path().join("top/repo/.git")).unwrap();
    // The user named the root, so it counts although a rule ignores it as a
    // whole.
    assert_eq!(keys(&walk(&root, &[])), ["a.php"]);
}

#[test]
fn fimignore_wins_over_gitignore_and_defaults() {
    let dir = tree(&[
        "a.php",
        "b.php",
        "public/index.php",
        "storage/s.php",
        "gen/g.php",
    ]);
    write(dir.path(), ".gitignore", "gen/\n!b.php\n");
    write(dir.path(), ".fimignore", "b.php\n!public/\n!gen/\n");
    let walk = walk(dir.path(), &[]);
    assert_eq!(keys(&walk), ["a.php", "gen/g.php", "public/index.php"]);
    assert_eq!(
        rules(&walk),
        [
            ("b.php", ".fimignore: b.php"),
            ("storage/", "default: storage/")
        ]
    );
}

#[test]
fn an_include_path_counts_though_it_is_ignored_and_has_the_rules_of_a_root() {
    let dir = tree(&[
        "p/a.php",
        "p/vendor/acme/x.php",
        "p/vendor/acme/vendor/y.php",
        "p/vendor/acme/z.min.php",
        "p/vendor/other/z.php",
        "p/one.inc",
        "p/gen/g.php",
        "lib/l.php",
        "lib/vendor/v.php",
        "lib/.git/g.php",
        "lib/view.blade.php",
        "lib/ignored.php",
        "lib/gone.php",
        "x/lib/m.php",
        "solo.php",
    ]);
    write(dir.path(), "p/.gitignore", "*.php\n!a.php\n");
    write(dir.path(), "lib/.gitignore", "ignored.php\n");
    write(dir.path(), "lib/.fimignore", "gone.php\n");
    let at = |path: &str| dir.path().join(path);
    let includes = [
        at("p/vendor/acme"),
        at("p/one.inc"),
        at("p/gen"),
        at("lib"),
        at("x/lib"),
        at("solo.php"),
        at("p/../lib"),
        at("p"),
    ];
    let walk = walk(&at("p"), &includes);
    assert_eq!(
        keys(&walk),
        [
            "a.php",
            "gen/g.php",
            "lib-2/m.php",
            "lib/l.php",
            "one.inc",
            "solo.php",
            "vendor/acme/x.php",
        ]
    );
    assert_eq!(
        rules(&walk),
        [
            ("lib/.git/", "hidden"),
            ("lib/gone.php", "lib/.fimignore: gone.php"),
            ("lib/ignored.php", "lib/.gitignore: ignored.php"),
            ("lib/vendor/", "default: vendor/"),
            ("lib/view.blade.php", "default: *.blade.php"),
            ("vendor/", "default: vendor/"),
            ("vendor/acme/vendor/", "default: vendor/"),
            ("vendor/acme/z.min.php", "default: *.min.php"),
        ]
    );
    let roots = Roots::new(&at("p"), &includes).unwrap();
    let files = walk.files.iter().map(|found| &*found.key);
    let own: Vec<_> = files.filter(|key| roots.owns(key)).collect();
    assert_eq!(own, ["a.php"]);
    let names = NameRules {
        roots: &roots,
        extensions: &Extensions::default(),
        folders: &walk.source,
    };
    for found in &walk.files {
        assert_eq!(roots.path(&found.key), found.path);
        assert_eq!(roots.key(found.path.to_str().unwrap()), found.key);
        assert!(files::belongs(names, &found.path));
        assert!(files::read(found, 1 << 20).is_ok());
    }
    for out in [
        "lib/vendor/v.php",
        "lib/ignored.php",
        "p/vendor/other/z.php",
    ] {
        assert!(!files::belongs(names, &at(out).canonicalize().unwrap()));
    }
}

#[test]
fn gitignore_above_an_include_path_holds_unless_it_excludes_that_path() {
    let dir = tree(&["r/a/a.php", "r/b/b.php", "r/b/out.php", "r/gen/out.php"]);
    fs::create_dir(dir.path().join("r/.git")).unwrap();
    write(dir.path(), "r/.gitignore", "out.php\n/gen/**\n");
    let includes = [dir.path().join("r/b"), dir.path().join("r/gen")];
    let walk = walk(&dir.path().join("r/a"), &includes);
    assert_eq!(keys(&walk), ["a.php", "b/b.php", "gen/out.php"]);
}

#[test]
fn an_include_path_may_hold_the_root() {
    let dir = tree(&["top/t.php", "top/root/a.php", "top/root/vendor/v.php"]);
    write(dir.path(), "top/.fimignore", "a.php\n!vendor/\n");
    let (top, root) = (dir.path().join("top"), dir.path().join("top/root"));
    let includes = [top];
    assert_eq!(keys(&walk(&root, &includes)), ["a.php", "top/t.php"]);
    let roots = Roots::new(&root, &includes).unwrap();
    assert!(roots.owns("a.php") && !roots.owns("top/t.php"));
}

#[test]
fn a_label_is_no_entry_of_the_root() {
    let dir = tree(&["p/lib/a.php", "lib/a.php", "h.php", "p/h.php"]);
    let includes = [dir.path().join("lib"), dir.path().join("h.php")];
    let walk = walk(&dir.path().join("p"), &includes);
    assert_eq!(
        keys(&walk),
        ["h-2.php", "h.php", "lib-2/a.php", "lib/a.php"]
    );
}

#[test]
fn every_spelling_of_a_file_has_one_key() {
    let dir = tree(&["p/src/A b.php", "p/vendor/v.php", "lib/l.php"]);
    let root = dir.path().canonicalize().unwrap();
    std::os::unix::fs::symlink(root.join("p/src"), root.join("p/link")).unwrap();
    std::os::unix::fs::symlink(root.join("p"), root.join("q")).unwrap();
    let roots = Roots::new(&root.join("q"), &[root.join("lib")]).unwrap();
    let base = root.to_str().unwrap();
    for (spelled, key) in [
        ("src/A b.php".into(), "src/A b.php"),
        ("./src/../src//A b.php".into(), "src/A b.php"),
        ("link/A b.php".into(), "src/A b.php"),
        (format!("{base}/q/link/A b.php"), "src/A b.php"),
        (format!("file://{base}/p/src/A%20b.php"), "src/A b.php"),
        (
            format!("file://localhost{base}/q/src/%41%20b.php"),
            "src/A b.php",
        ),
        ("src/new/../New.php".into(), "src/New.php"),
        ("link/New.php".into(), "src/New.php"),
        ("../lib/l.php".into(), "lib/l.php"),
        (
            format!("file://{base}/lib/new/%C3%A4.php"),
            "lib/new/\u{e4}.php",
        ),
        ("bad%zz.php".into(), "bad%zz.php"),
    ] {
        assert_eq!(roots.key(&spelled), key, "{spelled}");
    }
    let outside = format!("{base}/other/x.php");
    assert_eq!(roots.key(&outside), outside);
    assert_eq!(roots.key("../other/./x.php"), outside);
    assert_eq!(
        roots.key(&format!("file://{base}/other/100%.php")),
        format!("{base}/other/100%.php")
    );
    assert_eq!(roots.key(""), format!("{base}/p"));
}

#[test]
fn links_are_not_followed() {
    let dir = tree(&["p/a.php", "else/x.php"]);
    let p = dir.path().join("p");
    std::os::unix::fs::symlink(&p, p.join("loop")).unwrap();
    std::os::unix::fs::symlink("a.php", p.join("b.php")).unwrap();
    std::os::unix::fs::symlink("nowhere", p.join("c.php")).unwrap();
    std::os::unix::fs::symlink("../else", p.join("else")).unwrap();
    let walk = walk(&p, &[]);
    assert_eq!(keys(&walk), ["a.php"]);
    assert_eq!(
        rules(&walk),
        ["b.php", "c.php", "else/", "loop/"].map(|key| (key, "symbolic link"))
    );
}

#[test]
fn a_large_file_is_left_out_even_of_an_include_path() {
    let dir = tree(&["a.php", "big.php", "vendor/big.php"]);
    for big in ["big.php", "vendor/big.php"] {
        write(dir.path(), big, &"x".repeat((1 << 20) + 1));
    }
    let walk = walk(dir.path(), &[dir.path().join("vendor")]);
    assert_eq!(keys(&walk), ["a.php"]);
    let rule = "1048577 bytes, more than the 1048576 of max_file_bytes";
    assert_eq!(rules(&walk), [("big.php", rule), ("vendor/big.php", rule)]);
}

#[test]
fn names_and_texts_that_are_not_utf8_are_read() {
    use std::os::unix::ffi::OsStrExt;
    let dir = tree(&[]);
    let name = |bytes: &[u8]| dir.path().join(std::ffi::OsStr::from_bytes(bytes));
    fs::write(name(b"\xe4.php"), b"<?php // \xe4").unwrap();
    fs::write(name(b"\xf6.php"), b"").unwrap();
    let walk = walk(dir.path(), &[]);
    assert_eq!(keys(&walk), ["\u{fffd}.php"]);
    let file = files::read(&walk.files[0], 1 << 20).unwrap();
    assert_eq!(&*file.text, "<?php // \u{fffd}");
    assert!(file.lossy);
    assert_eq!(walk.left_out.len(), 1);
    assert!(walk.left_out[0].rule.contains("once made UTF-8"));
}

#[test]
fn a_file_that_vanished_is_an_error_that_names_it() {
    let dir = tree(&["a.php"]);
    let walk = walk(dir.path(), &[]);
    fs::remove_file(dir.path().join("a.php")).unwrap();
    let error = files::read(&walk.files[0], 1 << 20)
        .unwrap_err()
        .to_string();
    assert!(error.contains("a.php") && !error.contains('\n'), "{error}");
}

#[test]
fn a_deep_tree_is_walked() {
    let dir = tree(&[]);
    let deep = format!("{}a.php", "d/".repeat(1500));
    write(dir.path(), &deep, "");
    assert_eq!(keys(&walk(dir.path(), &[])), [deep]);
}

fn fimd(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fimd"))
        .env("XDG_CONFIG_HOME", env!("CARGO_TARGET_TMPDIR"))
        .arg("files")
        .args(args)
        .output()
        .unwrap()
}

#[test]
fn the_command_prints_what_is_in_and_why_the_rest_is_not() {
    let dir = tree(&["b.php", "a.php", "vendor/acme/v.php"]);
    let root = dir.path().to_str().unwrap();
    let stdout = |args: &[&str]| {
        let output = fimd(args);
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(stdout(&[root]), "a.php\nb.php\n");
    assert_eq!(
        stdout(&[root, "--why"]),
        "+\ta.php\n+\tb.php\n-\tvendor/\tdefault: vendor/\n"
    );
    let acme = format!("{root}/vendor/acme");
    assert_eq!(
        stdout(&[root, "--include-path", &acme]),
        "a.php\nb.php\nvendor/acme/v.php\n"
    );
    assert_eq!(stdout(&[root, "--max-file-bytes", "3"]), "");
}

#[test]
fn bad_roots_are_one_line_on_stderr() {
    let dir = tree(&["a.php"]);
    let at = |path: &str| dir.path().join(path).to_str().unwrap().to_owned();
    let root = at("");
    for (args, code, words) in [
        (
            vec![at("missing")],
            1,
            "name the folder that holds the project",
        ),
        (vec![at("a.php")], 1, "a.php: not a folder"),
        (
            vec![root.clone(), "--include-path".into(), at("no")],
            1,
            "include path",
        ),
        (
            vec![root.clone(), "--max-file-bytes".into(), "lots".into()],
            2,
            "--max-file-bytes",
        ),
        (vec![], 2, "PROJECT"),
    ] {
        let output = fimd(&args.iter().map(String::as_str).collect::<Vec<_>>());
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{stderr}");
        assert!(stderr.contains(words), "{stderr}");
        assert!(code == 2 || stderr.lines().count() == 1, "{stderr}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let dir = tree(&[]);
    for n in 0..3000 {
        fs::write(dir.path().join(format!("{n:060}.php")), "").unwrap();
    }
    let mut child = Command::new(env!("CARGO_BIN_EXE_fimd"))
        .env("XDG_CONFIG_HOME", env!("CARGO_TARGET_TMPDIR"))
        .args(["files", dir.path().to_str().unwrap()])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert!(output.stderr.is_empty());
}

#[test]
fn a_project_without_files_says_so() {
    let dir = tree(&["vendor/a.php"]);
    let path = dir.path().to_str().unwrap();
    let run = |args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_fimd"))
            .env("XDG_CONFIG_HOME", env!("CARGO_TARGET_TMPDIR"))
            .args(args)
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        (output.status.code(), said.replace(path, "DIR"))
    };
    let why = "fimd: DIR: no PHP files; --why lists what is left out\n";
    assert_eq!(run(&["files", path]), (Some(0), why.into()));
    let listed = "fimd: DIR: no PHP files\n";
    assert_eq!(run(&["files", path, "--why"]), (Some(0), listed.into()));
    let (code, said) = run(&["eval", "context", path]);
    assert_eq!(code, Some(1));
    assert_eq!(
        said,
        "fimd: DIR: no PHP files; `fimd files --why DIR` lists what is left out\n"
    );
}

/// What `fimd files --why` with `args` prints of the project at `root`.
fn why(root: &Path, args: &[&str]) -> String {
    let run = Command::new(env!("CARGO_BIN_EXE_fimd"))
        .env("XDG_CONFIG_HOME", env!("CARGO_TARGET_TMPDIR"))
        .args(["files", root.to_str().unwrap(), "--why"])
        .args(args)
        .output()
        .unwrap();
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
    String::from_utf8(run.stdout).unwrap()
}

#[test]
fn files_of_other_endings_count_if_they_hold_php() {
    let dir = tree(&["a.php", "notes.inc", "x.tpl", "y.blade.php"]);
    for path in [
        "b.inc",
        "c.phtml",
        "d.module",
        "e.install",
        "f.theme",
        "g.profile",
        "h.engine",
    ] {
        write(dir.path(), path, "<h1><?= 1 ?></h1>");
    }
    write(dir.path(), "z.tpl", "<? echo 1;");
    let usual = why(dir.path(), &[]);
    assert_eq!(
        usual,
        "+\ta.php\n+\tb.inc\n+\tc.phtml\n+\td.module\n+\te.install\n+\tf.theme\n+\tg.profile\n\
         +\th.engine\n-\tnotes.inc\tno PHP in it\n-\ty.blade.php\tdefault: *.blade.php\n"
    );
    let own = why(dir.path(), &["--extensions", ".php,*.tpl,blade.php"]);
    assert_eq!(
        own,
        "+\ta.php\n+\ty.blade.php\n+\tz.tpl\n-\tx.tpl\tno PHP in it\n"
    );
    // A settings file says the same, and a `.fimignore` brings single endings back.
    write(dir.path(), "s.toml", "[files]\nextensions = [\"php\"]\n");
    write(dir.path(), ".fimignore", "!*.module\n");
    let settings = dir.path().join("s.toml");
    let own = why(dir.path(), &["--settings", settings.to_str().unwrap()]);
    assert_eq!(
        own,
        "+\ta.php\n+\td.module\n-\ty.blade.php\tdefault: *.blade.php\n"
    );
    let run = Command::new(env!("CARGO_BIN_EXE_fimd"))
        .args(["files", ".", "--extensions", "a/b"])
        .output()
        .unwrap();
    assert_eq!(run.status.code(), Some(2));
}

#[test]
fn a_default_folder_is_source_where_the_project_loads_it() {
    let dir = tree(&[
        "modules/build/Plan.php",
        "modules/build/dist/Deep.php",
        "shared/cache/store.php",
        "shared/cache/sub/more.php",
        "other/cache/c.php",
        "Public/p.php",
        "public/index.php",
        "src/vendor/v.php",
        "tmp/cache/gen.php",
    ]);
    let app = r#"{"autoload": {"psr-4": {"App\\": "modules/", "V\\": "./src/"}}}"#;
    write(dir.path(), "composer.json", app);
    write(
        dir.path(),
        "main.php",
        "<?php require __DIR__ . '/shared/cache/store.php'; // mycache/c.php, cache/gone.php",
    );
    write(dir.path(), "tmp/cache/.gitignore", "*");
    let walk = walk(dir.path(), &[]);
    assert_eq!(
        keys(&walk),
        [
            "Public/p.php",
            "main.php",
            "modules/build/Plan.php",
            "modules/build/dist/Deep.php",
            "shared/cache/store.php",
            "shared/cache/sub/more.php",
        ]
    );
    let out: Vec<&str> = rules(&walk).into_iter().map(|(key, _)| key).collect();
    assert_eq!(
        out,
        ["other/cache/", "public/", "src/vendor/", "tmp/cache/"]
    );
}

#[test]
fn a_folder_inside_of_source_is_source_whatever_it_is_called() {
    let dir = tree(&[
        "lib/cache/Pool.php",
        "src/storage/deep/Disk.php",
        "src/vendor/v.php",
        "cache/src/gen.php",
        "library/cache/gen.php",
    ]);
    let walk = walk(dir.path(), &[]);
    assert_eq!(
        keys(&walk),
        ["lib/cache/Pool.php", "src/storage/deep/Disk.php"]
    );
    let out: Vec<&str> = rules(&walk).into_iter().map(|(key, _)| key).collect();
    assert_eq!(out, ["cache/", "library/cache/", "src/vendor/"]);
}

#[test]
fn a_client_may_name_the_endings_and_shares_no_project_with_others() {
    let dir = tree(&["a.php"]);
    write(
        dir.path(),
        "b.tpl",
        "<?php class B { function ofTheTemplate() {} }",
    );
    let mut client = Client::start(&mut common::fimd());
    let mut count = |id: usize, extensions: &str| {
        let root = dir.path().to_str().unwrap();
        client.send(format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"initialize\",\
             \"params\":{{\"project_root\":{root:?}{extensions}}}}}\n"
        ));
        client.answer()
    };
    for (extensions, says) in [
        ("", r#""file_count":1"#),
        (r#","extensions":["php",".tpl"]"#, r#""file_count":2"#),
        (r#","extensions":["php"]"#, r#""file_count":1"#),
        (
            r#","extensions":["a/b"]"#,
            "extensions: expected an array of endings",
        ),
    ] {
        let answer = count(1, extensions);
        assert!(answer.contains(says), "{extensions}: {answer}");
    }
    assert_eq!(client.close().code, Some(0));
}
