//! The documents keep up with the program: the reference of the command line is
//! the one that the program's definition gives, the defaults are the defaults,
//! and every link and path names something that is there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use fimd::config::{EndpointPlace, Settings};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The folders that have documents, from the root.
const FOLDERS: [&str; 4] = ["", "docs", "editors/nvim", "editors/vscode"];

/// What a path begins with that is written from the root.
const TOP: [&str; 11] = [
    ".cargo/",
    ".ci/",
    "benches/",
    "cluster/",
    "docs/",
    "editors/",
    "fuzz/",
    "packaging/",
    "scripts/",
    "src/",
    "tests/",
];

/// The most bytes that README.md may have.
const README_BYTES: usize = 9 << 10;

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every document, with its text.
fn documents() -> Vec<(PathBuf, String)> {
    let mut documents = Vec::new();
    for folder in FOLDERS {
        for entry in fs::read_dir(Path::new(ROOT).join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "md") {
                let text = read(&path);
                documents.push((path, text));
            }
        }
    }
    documents
}

/// The lines outside fenced blocks.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut in_block = false;
    text.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        in_block ^= is_fence;
        !in_block && !is_fence
    })
}

/// What the heading of a section is called in a link, as GitHub has it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter_map(|c| match c {
        ' ' => Some('-'),
        c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c.to_ascii_lowercase()),
        _ => None,
    });
    kept.collect()
}

fn anchors(text: &str) -> BTreeSet<String> {
    let headings = prose(text).filter(|line| line.starts_with('#'));
    headings
        .map(|line| anchor(line.trim_start_matches('#')))
        .collect()
}

/// The targets of the links in a line.
fn links(line: &str) -> impl Iterator<Item = &str> {
    let rests = line.split("](").skip(1);
    rests.filter_map(|rest| rest.split_once(')').map(|(target, _)| target))
}

/// The code in a line.
fn code(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// Why a link from a document leads nowhere, if it does not.
fn broken(document: &Path, link: &str) -> Option<String> {
    if link.contains("://") {
        return None;
    }
    let (path, section) = link.split_once('#').unwrap_or((link, ""));
    let target = match path {
        "" => document.to_owned(),
        path => document.parent().unwrap().join(path),
    };
    if !target.exists() {
        return Some(format!("{link}: there is no such file"));
    }
    let has_section = || anchors(&read(&target)).contains(section);
    (!section.is_empty() && !has_section()).then(|| format!("{link}: there is no such section"))
}

#[test]
fn the_reference_of_the_command_line_is_current() {
    let path = Path::new(ROOT).join("docs/cli.md");
    let reference = fimd::cli::reference();
    let is_current = read(&path) == reference;
    if !is_current && std::env::var_os("FIMD_BLESS").is_some() {
        // Another test reads the file meanwhile, so it is replaced in one step.
        let new = path.with_extension("new");
        fs::write(&new, reference).unwrap();
        fs::rename(new, path).unwrap();
        return;
    }
    assert!(
        is_current,
        "docs/cli.md is stale: FIMD_BLESS=1 cargo test --locked --test it docs -- renews it"
    );
}

#[test]
fn every_link_and_path_leads_somewhere() {
    let mut wrong = Vec::new();
    for (document, text) in documents() {
        let name = document.strip_prefix(ROOT).unwrap().display();
        for line in prose(&text) {
            let broken = links(line).filter_map(|link| broken(&document, link));
            wrong.extend(broken.map(|why| format!("{name}: {why}")));
            let paths = code(line).filter(|code| {
                TOP.iter().any(|top| code.starts_with(top))
                    && !code.contains([' ', '*', '{', '<', '…'])
            });
            let missing = paths.filter(|path| !Path::new(ROOT).join(path).exists());
            wrong.extend(missing.map(|path| format!("{name}: {path}: there is no such file")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_documented_defaults_are_the_defaults() {
    let text = read(&Path::new(ROOT).join("docs/settings.md"));
    let (_, block) = text.split_once("## The defaults\n\n```toml\n").unwrap();
    let (block, _) = block.split_once("```").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("settings.toml");
    fs::write(&file, block).unwrap();
    let documented = Settings::load(Some(&file)).unwrap();
    let mut expected = Settings::default();
    expected.endpoint.place = EndpointPlace::File(Some(file.clone()));
    expected.file = Some(file);
    assert_eq!(documented, expected);
}

#[test]
fn the_readme_is_short() {
    let bytes = read(&Path::new(ROOT).join("README.md")).len();
    assert!(bytes <= README_BYTES, "README.md has {bytes} bytes");
}
