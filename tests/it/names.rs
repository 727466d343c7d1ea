//! Names resolve as PHP resolves them: a differential test against the
//! NameResolver of nikic/php-parser (Debian: `apt install php-cli php-parser`).
//!
//! Compares the fixtures, and the real projects whose folders `FIMD_CORPORA`
//! names, separated by colons. The tests are skipped where PHP or the library is
//! missing.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Write as _};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use fimd::php::names::Scope;
use fimd::php::{FileFacts, RefKind};
use fimd::text;

use crate::common::{oracle, skip};

/// How fimd resolves the name `written` at byte `at`, in the oracle's notation:
/// the candidates in PHP's order, joined by `|`.
fn resolve(facts: &FileFacts, source: &str, kind: RefKind, at: usize, written: &str) -> String {
    let scope = Scope::at(facts, source, at);
    match kind {
        RefKind::Function => scope.function(written).join("|"),
        RefKind::Constant => scope.constant(written).join("|"),
        _ => scope.class(written).unwrap_or_default(),
    }
}

/// The oracle's answer about one file.
#[derive(serde::Deserialize)]
struct Answer {
    file: PathBuf,
    /// Kind, byte offset, the name as written, and the resolved name.
    #[serde(default)]
    names: Vec<(String, usize, String, String)>,
    error: Option<String>,
}

/// Whether the oracle can run here. If not, reports that the test is skipped.
fn oracle_is_here() -> bool {
    let check = r#"exit(is_file("/usr/share/php/PhpParser/autoload.php") ? 0 : 1);"#;
    let status = Command::new("php").args(["-r", check]).status();
    let here = status.is_ok_and(|status| status.success());
    if !here {
        skip("PHP and nikic/php-parser: apt install php-cli php-parser");
    }
    here
}

/// Asks the oracle about `files` and passes each answer to `take`.
fn ask(files: &[PathBuf], mut take: impl FnMut(Answer)) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/names.php");
    let mut php = Command::new("php")
        .args(["-d", "memory_limit=-1", "-d", "display_errors=stderr"])
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("php starts");
    let mut input = php.stdin.take().expect("it is piped");
    let output = php.stdout.take().expect("it is piped");
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for file in files {
                writeln!(input, "{}", file.display()).expect("php reads its input");
            }
        });
        for line in BufReader::new(output).lines() {
            let line = line.expect("php writes UTF-8");
            take(serde_json::from_str(&line).expect("php writes JSON"));
        }
    });
    assert!(php.wait().expect("php has run").success(), "php failed");
}

/// The result of the comparison of many names.
#[derive(Debug, Default)]
struct Agreement {
    files: usize,
    /// Files that the oracle cannot read, or that are not UTF-8.
    unreadable: usize,
    /// Names that fimd and the oracle resolve alike.
    same: usize,
    /// Names that they resolve differently, one per line.
    differences: Vec<String>,
    /// Names without a reference of the right kind in the facts, and references
    /// that PHP does not take for names.
    misread: Vec<String>,
}

impl Agreement {
    fn add(&mut self, name: &str, source: &str, answer: &Answer) {
        self.files += 1;
        let facts = fimd::php::facts(source);
        let is_name = |kind| matches!(kind, RefKind::Class | RefKind::Function | RefKind::Constant);
        let mut seen: BTreeMap<_, _> = facts
            .references
            .iter()
            .filter(|reference| is_name(reference.kind))
            .map(|reference| (reference.name().start as usize, reference.kind))
            .collect();
        // The facts keep a used trait with its class, not as a reference.
        let used_as_trait = |at| {
            let classes = facts.classes.iter();
            let mut spans = classes.flat_map(|class| class.traits.iter().chain(&class.trait_rules));
            spans.any(|span| span.contains(at))
        };
        for (kind, at, written, theirs) in &answer.names {
            let kind = match kind.as_str() {
                "class" => RefKind::Class,
                "function" => RefKind::Function,
                "const" => RefKind::Constant,
                other => panic!("the oracle says {other:?}"),
            };
            let what = || format!("{name}: byte {at}: {kind:?} {written}");
            let ours = resolve(&facts, source, kind, *at, written);
            if ours == *theirs {
                self.same += 1;
            } else {
                let line = format!("{}: {ours}, where PHP says {theirs}", what());
                self.differences.push(line);
            }
            match seen.remove(at) {
                Some(seen) if seen == kind => {}
                Some(seen) => self.misread.push(format!("{} is seen as {seen:?}", what())),
                None if used_as_trait(*at) => {}
                None => self.misread.push(format!("{} is not seen", what())),
            }
        }
        for (at, kind) in seen {
            let rest = &source[at..text::line_end(source, at)];
            // Neither side resolves `__DIR__` and other magic constants.
            if rest.starts_with("__") && kind == RefKind::Constant {
                continue;
            }
            let line = format!("{name}: byte {at}: {kind:?} {rest} is no name to PHP");
            self.misread.push(line);
        }
    }
}

impl Display for Agreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} files ({} more not read): {} names agree, {} differ, {} are misread",
            self.files,
            self.unreadable,
            self.same,
            self.differences.len(),
            self.misread.len()
        )
    }
}

fn first(lines: &[String], limit: usize) -> String {
    let mut text = lines[..limit.min(lines.len())].join("\n");
    if lines.len() > limit {
        let _ = write!(text, "\n… and {} more", lines.len() - limit);
    }
    text
}

fn compare(folder: &Path) -> Agreement {
    let mut agreement = Agreement::default();
    ask(&oracle::php_files(folder), |answer| {
        let bytes = std::fs::read(&answer.file).expect("the file can be read");
        match String::from_utf8(bytes) {
            Ok(source) if answer.error.is_none() => {
                let name = answer.file.strip_prefix(folder).unwrap_or(&answer.file);
                agreement.add(&name.to_string_lossy(), &source, &answer);
            }
            _ => agreement.unreadable += 1,
        }
    });
    agreement
}

#[test]
fn resolve_as_php_does_on_the_fixtures() {
    if !oracle_is_here() {
        return;
    }
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/shop");
    let agreement = compare(&fixtures);
    println!("fixtures: {agreement}");
    assert!(
        agreement.differences.is_empty(),
        "{}",
        first(&agreement.differences, 40)
    );
    assert!(
        agreement.misread.is_empty(),
        "{}",
        first(&agreement.misread, 40)
    );
    // The numbers show that the comparison has read the fixtures.
    assert_eq!(agreement.unreadable, 2, "Broken.php and latin1.php");
    assert!(agreement.same > 300, "{agreement}");
}

#[test]
fn resolve_as_php_does_on_real_projects() {
    let Some(corpora) = std::env::var_os("FIMD_CORPORA") else {
        skip("folders of PHP code in FIMD_CORPORA, separated by colons");
        return;
    };
    if !oracle_is_here() {
        return;
    }
    for folder in std::env::split_paths(&corpora) {
        let agreement = compare(&folder);
        println!(
            "{}: {agreement}\n{}\n{}",
            folder.display(),
            first(&agreement.differences, 40),
            first(&agreement.misread, 40)
        );
        assert!(agreement.same > 0, "{}: no PHP found", folder.display());
        assert!(
            agreement.differences.is_empty(),
            "{}: {agreement}",
            folder.display()
        );
        // The scanner does not read names in interpolated strings.
        assert!(
            agreement.misread.len() * 1000 <= agreement.same,
            "{}: {agreement}",
            folder.display()
        );
    }
}
