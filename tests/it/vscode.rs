//! The VS Code extension with this fimd: runs the extension's own tests in Node,
//! with the program that cargo has built.
//!
//! The test is skipped without node, or without the packages that `npm ci` puts
//! into `editors/vscode/node_modules`.

use std::path::Path;
use std::process::Command;

use crate::common::skip;

#[test]
fn the_extension_passes_its_tests_with_this_fimd() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("editors/vscode");
    let has_npm = Command::new("npm").arg("--version").output().is_ok();
    if !has_npm || !folder.join("node_modules/esbuild").exists() {
        skip(&format!("node and `npm ci` in {}", folder.display()));
        return;
    }
    let run = Command::new("npm")
        .args(["test", "--silent"])
        .current_dir(folder)
        .env("FIMD_BIN", env!("CARGO_BIN_EXE_fimd"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    let complained = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{said}{complained}");
    // No test was skipped.
    assert!(said.contains("# skipped 0"), "{said}{complained}");
}
