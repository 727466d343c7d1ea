//! A real browser for the HTML pages: the one that `FIMD_CHROMIUM` names, else `chromium`
//! if it is on the path. Node drives it with the package playwright-core in the folder
//! that `FIMD_PLAYWRIGHT` names. `FIMD_SHOTS` names a folder for screenshots.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::skip;

/// The browser and the folder of playwright-core. Without one of them the test is skipped,
/// unless `FIMD_CHROMIUM` promises a browser.
pub(crate) fn or_skip() -> Option<(PathBuf, PathBuf)> {
    match find() {
        Ok(found) => Some(found),
        Err(missing) => {
            assert!(
                std::env::var_os("FIMD_CHROMIUM").is_none(),
                "{missing}, though FIMD_CHROMIUM names a browser"
            );
            skip(&format!("a browser: {missing}"));
            None
        }
    }
}

/// The browser and the folder of playwright-core, or what is missing.
fn find() -> Result<(PathBuf, PathBuf), String> {
    let chromium = std::env::var_os("FIMD_CHROMIUM").map_or("chromium".into(), PathBuf::from);
    let playwright = std::env::var_os("FIMD_PLAYWRIGHT")
        .ok_or("FIMD_PLAYWRIGHT names no folder of playwright-core")?;
    for program in [Path::new("node"), &chromium] {
        let run = Command::new(program).arg("--version").output();
        if !run.is_ok_and(|run| run.status.success()) {
            return Err(format!("{} does not run", program.display()));
        }
    }
    // playwright-core takes a path, not a name to search for.
    let found = Command::new("which").arg(&chromium).output().unwrap();
    let found = String::from_utf8(found.stdout).unwrap();
    Ok((found.trim().into(), playwright.into()))
}
