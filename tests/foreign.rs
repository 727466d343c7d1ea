//! An LSP client that we did not write, Neovim's, with no plugin: what it gets
//! is what `fimd context` prints for the same text and place, byte for byte,
//! in every position encoding and with either end of line.
//!
//! Runs the Neovim that `FIMD_NVIM` names, else `nvim` if it is on the path
//! and new enough; is skipped where there is none.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "the client is Neovim")]
mod common;

#[path = "common/model_server.rs"]
#[expect(dead_code, reason = "its answers are of one kind")]
mod model_server;

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::{Command, Stdio};

use common::{Project, matches};
use model_server::ModelServer;

/// The first version with the `positionEncodings` and methods that the script
/// uses.
const OLDEST: (u32, u32) = (0, 11);

const CATALOGUE: &str = "<?php
namespace Shop;
/** Things to sell. */
interface Catalogue
{
    public function findOne(string $name): Basket;
    public function findMany😀é(string $name): self;
    public function find𐍈Other€(int ...$ids): self;
}
";

const BASKET: &str = "<?php
namespace Shop;
class Basket
{
    public function weigh(): int { return 1; }
    public function label(): Label { return new Label(); }
}
class Label {}
";

/// Ends without an end of line.
const CALLER: &str = "<?php
use Shop\\Catalogue;
function sell(Catalogue $catalogue) {
\t/* 😀é */ $catalogue->
\t$last = $catalogue; $last->";

/// Neovim, or what is wrong with it. One that is named must run.
fn neovim() -> Result<OsString, String> {
    let named = std::env::var_os("FIMD_NVIM");
    let program = named.clone().unwrap_or_else(|| "nvim".into());
    let shown = program.display().to_string();
    let output = Command::new(&program).arg("--version").output();
    let found = match output {
        Ok(output) if output.status.success() => {
            let said = String::from_utf8(output.stdout).unwrap();
            match version(&said) {
                Some(version) if version >= OLDEST => Ok(program),
                _ => Err(format!("{shown} is older than 0.11")),
            }
        }
        Ok(output) => Err(format!("{shown}: {}", output.status)),
        Err(error) => Err(format!("{shown}: {error}")),
    };
    match (&found, named) {
        (Err(why), Some(_)) => panic!("FIMD_NVIM: {why}"),
        _ => found,
    }
}

/// The version in `NVIM v0.11.4`.
fn version(said: &str) -> Option<(u32, u32)> {
    let numbers = said.lines().next()?.strip_prefix("NVIM v")?;
    let mut numbers = numbers.split('.').map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

/// Neovim as it runs a script of ours, at home in `home`.
fn script(neovim: &OsStr, name: &str, home: &Path) -> Command {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign");
    let mut command = Command::new(neovim);
    command
        .args(["--headless", "-u", "NONE", "-l"])
        .arg(folder.join(name))
        // Whoever runs the test has settings of their own.
        .env("HOME", home)
        .env("XDG_CONFIG_HOME", home)
        .env("XDG_STATE_HOME", home)
        .env("XDG_CACHE_HOME", home)
        .env("XDG_DATA_HOME", home)
        .env_remove("RUST_LOG");
    command
}

/// A tag runs in a text file by a code action, while its user types above and
/// below it and in its line.
#[test]
fn neovim_runs_a_tag_while_its_user_types() {
    let neovim = match neovim() {
        Ok(neovim) => neovim,
        Err(why) => {
            eprintln!("SKIPPED: needs Neovim 0.11 as nvim or in FIMD_NVIM: {why}");
            return;
        }
    };
    let server = ModelServer::saying(&[" one", " two", "\n", " th", "ree E", "ND four"]);
    let settings = format!("[endpoint]\nurl = {:?}\n", server.url);
    let note = "[[[5;no()]]]\n😀 Once[[[9;stop(\"END\")]]] after\n";
    let project = Project::new(&[("note.txt", note), ("settings.toml", &settings)]);
    let home = tempfile::tempdir().unwrap();
    let output = script(&neovim, "tags.lua", home.path())
        .arg(env!("CARGO_BIN_EXE_fimd"))
        .arg(project.path().join("settings.toml"))
        .arg(project.path().join("note.txt"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let expected = "*[[[5;no()]]]\n*😀 Once one two\n* three END after\n*";
    assert!(
        output.status.success() && matches(expected, &said),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(!said.contains("[[[9"), "{said}");
}

#[test]
fn neovim_gets_what_the_shell_prints() {
    let neovim = match neovim() {
        Ok(neovim) => neovim,
        Err(why) => {
            eprintln!("SKIPPED: needs Neovim 0.11 as nvim or in FIMD_NVIM: {why}");
            return;
        }
    };
    for encoding in ["utf-8", "utf-16", "utf-32"] {
        for end_of_line in ["\n", "\r\n"] {
            let text = |text: &str| text.replace('\n', end_of_line);
            let [basket, catalogue, caller] = [BASKET, CATALOGUE, CALLER].map(text);
            let files = [
                ("src/Basket.php", &*basket),
                ("src/Catalogue.php", &*catalogue),
                ("src/caller.php", &*caller),
            ];
            let (project, copy) = (Project::new(&files), Project::new(&files));
            let home = tempfile::tempdir().unwrap();
            let output = script(&neovim, "neovim.lua", home.path())
                .arg(env!("CARGO_BIN_EXE_fimd"))
                .args([project.path(), copy.path()])
                .arg(encoding)
                .stdin(Stdio::null())
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(
                output.status.success() && matches("* contexts compared, * cancelled\n", &said),
                "{encoding}, {end_of_line:?}: {said}{}",
                String::from_utf8_lossy(&output.stderr)
            );
            eprint!("{encoding}, {end_of_line:?}: {said}");
        }
    }
}
