//! An LSP client that we did not write, Neovim's, with no plugin: what it gets
//! is what `fimd context` prints for the same text and place, byte for byte,
//! in every position encoding and with either end of line.
//!
//! Runs the Neovim that `FIMD_NVIM` names, else `nvim` if it is on the path
//! and new enough; is skipped where there is none.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "the client is Neovim")]
mod common;

use std::ffi::OsString;
use std::process::{Command, Stdio};

use common::{Project, matches};

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
            let output = Command::new(&neovim)
                .args(["--headless", "-u", "NONE", "-l"])
                .arg(concat!(
                    env!("CARGO_MANIFEST_DIR"),
                    "/tests/foreign/neovim.lua"
                ))
                .arg(env!("CARGO_BIN_EXE_fimd"))
                .args([project.path(), copy.path()])
                .arg(encoding)
                // Whoever runs the test has settings of their own.
                .env("HOME", home.path())
                .env("XDG_CONFIG_HOME", home.path())
                .env("XDG_STATE_HOME", home.path())
                .env("XDG_CACHE_HOME", home.path())
                .env("XDG_DATA_HOME", home.path())
                .env_remove("RUST_LOG")
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
