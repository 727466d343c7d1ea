//! A dataset's `report.html`. It holds what it should, hostile source text stays
//! text, and a real browser shows it and handles its keys.
//!
//! `common/browser.rs` says which browser that is.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::browser;

/// Text that would end a script, open another and fetch a picture, if the page
/// did not escape it.
const HOSTILE: &str = r#"<?php
// </script><script>document.title = 'broken'</script><!-- <script>
function hostile(array $names): string
{
    $page = '</script><img src="http://example.com/x.png" onerror="document.title=1">';
    foreach ($names as $name) {
        $page .= "<b>{$name}</b>" . strtoupper($name) . '&amp;' . "<!--";
    }
    return $page . '</script>' . count($names);
}
"#;

/// A dataset of the shop and the hostile file, made with `threads` threads.
fn dataset(folder: &Path, threads: &str) -> PathBuf {
    let shop = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/shop");
    let project = folder.join("project");
    copy(&shop, &project);
    fs::write(project.join("src/</script>.php".replace('/', "_")), HOSTILE).unwrap();
    let output = folder.join("data");
    let run = Command::new(env!("CARGO_BIN_EXE_fimd"))
        .arg("generate")
        .arg(&project)
        .arg("--output")
        .arg(&output)
        .args(["--cross-file-context", "--bm25-context", "--no-cache"])
        .args(["--min-middle-chars", "20"])
        .env("RAYON_NUM_THREADS", threads)
        .output()
        .unwrap();
    assert!(run.status.success(), "{run:?}");
    output
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[test]
fn the_report_is_one_page_whose_bytes_only_depend_on_the_dataset() {
    let pages = ["1", "4"].map(|threads| {
        let folder = tempfile::tempdir().unwrap();
        let output = dataset(folder.path(), threads);
        fs::read_to_string(output.join("report.html")).unwrap()
    });
    assert_eq!(pages[0], pages[1]);
    let page = &pages[0];
    // The page has its own two scripts only, although the source has many more.
    assert_eq!(page.matches("</script").count(), 2);
    assert_eq!(page.matches("<script").count(), 2);
    assert_eq!(page.matches("<!--").count(), 0);
    assert!(page.contains("\\u003c/script>"));
    assert!(page.contains("default-src 'none'"));
    for outside in ["src=", "@import", "url("] {
        let (markup, _) = page.split_once("<script").unwrap();
        assert!(!markup.contains(outside), "{outside}");
    }
    for expected in ["Kinds of spans", "Holes turned down", "src/Service/"] {
        assert!(page.contains(expected), "{expected}");
    }
}

#[test]
fn a_browser_shows_every_example_and_obeys_its_keys() {
    let Some((chromium, playwright)) = browser::or_skip() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let output = dataset(folder.path(), "2");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign/report.mjs");
    let run = Command::new("node")
        .arg(script)
        .arg(playwright)
        .arg(chromium)
        .arg(output)
        .args(std::env::var_os("FIMD_SHOTS"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{said}");
}
