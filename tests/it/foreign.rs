//! Neovim's own LSP client, without a plugin. It gets what `fimd context` prints
//! for the same text and cursor, byte for byte, in every position encoding and
//! with either line ending.
//!
//! Runs the Neovim that `FIMD_NVIM` names, else `nvim` if it is on the path and
//! new enough; else the tests are skipped.

use std::path::{Path, PathBuf};

use crate::common::model_server::ModelServer;
use crate::common::neovim::Neovim;
use crate::common::{Project, matches};

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

/// The text does not end with a newline.
const CALLER: &str = "<?php
use Shop\\Catalogue;
function sell(Catalogue $catalogue) {
\t/* 😀é */ $catalogue->
\t$last = $catalogue; $last->";

/// The path of a script in `tests/foreign`.
fn script(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign");
    folder.join(name)
}

/// A code action runs a tag in a text file while the user types above it, below
/// it and in its line.
#[test]
fn neovim_runs_a_tag_while_its_user_types() {
    let Some(neovim) = Neovim::or_skip(OLDEST) else {
        return;
    };
    let server = ModelServer::saying(&[" one", " two", "\n", " th", "ree E", "ND four"]);
    let settings = format!("[endpoint]\nurl = {:?}\n", server.url);
    let note = "[[[5;no()]]]\n😀 Once[[[9;stop(\"END\")]]] after\n";
    let project = Project::new(&[("note.txt", note), ("settings.toml", &settings)]);
    let home = tempfile::tempdir().unwrap();
    let output = neovim
        .script(&script("tags.lua"), home.path())
        .arg(env!("CARGO_BIN_EXE_fimd"))
        .arg(project.path().join("settings.toml"))
        .arg(project.path().join("note.txt"))
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
    let Some(neovim) = Neovim::or_skip(OLDEST) else {
        return;
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
            let output = neovim
                .script(&script("neovim.lua"), home.path())
                .arg(env!("CARGO_BIN_EXE_fimd"))
                .args([project.path(), copy.path()])
                .arg(encoding)
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
