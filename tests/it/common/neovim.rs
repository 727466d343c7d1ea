//! The Neovim that `FIMD_NVIM` names, else `nvim` if it is on the path.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::{Command, Stdio};

use super::skip;

/// A Neovim that can be started.
pub(crate) struct Neovim(OsString);

impl Neovim {
    /// Neovim, `oldest` or newer. Without one the test is skipped, but one that
    /// `FIMD_NVIM` names must run.
    pub(crate) fn or_skip(oldest: (u32, u32)) -> Option<Self> {
        let named = std::env::var_os("FIMD_NVIM");
        let program = named.clone().unwrap_or_else(|| "nvim".into());
        let (major, minor) = oldest;
        match (usable(&program, oldest), named) {
            (Ok(()), _) => Some(Self(program)),
            (Err(why), Some(_)) => panic!("FIMD_NVIM: {why}"),
            (Err(why), None) => {
                skip(&format!(
                    "Neovim {major}.{minor} as nvim or in FIMD_NVIM: {why}"
                ));
                None
            }
        }
    }

    /// A command that runs a script in Neovim without the user's configuration,
    /// with the folder `home` as its home.
    pub(crate) fn script(&self, script: &Path, home: &Path) -> Command {
        let mut command = Command::new(&self.0);
        command.args(["--headless", "-u", "NONE", "-l"]);
        command.arg(script);
        for folder in ["CONFIG", "STATE", "CACHE", "DATA"] {
            command.env(format!("XDG_{folder}_HOME"), home);
        }
        command.env("HOME", home);
        command.env_remove("RUST_LOG").env_remove("FIMD_API_KEY");
        command.stdin(Stdio::null());
        command
    }
}

fn usable(program: &OsStr, oldest: (u32, u32)) -> Result<(), String> {
    let shown = program.display();
    let output = Command::new(program).arg("--version").output();
    let output = output.map_err(|error| format!("{shown}: {error}"))?;
    if !output.status.success() {
        return Err(format!("{shown}: {}", output.status));
    }
    let said = String::from_utf8(output.stdout).unwrap();
    match version(&said) {
        Some(version) if version >= oldest => Ok(()),
        _ => Err(format!("{shown} is older than {}.{}", oldest.0, oldest.1)),
    }
}

/// The version in `NVIM v0.11.4`.
fn version(said: &str) -> Option<(u32, u32)> {
    let numbers = said.lines().next()?.strip_prefix("NVIM v")?;
    let mut numbers = numbers.split('.').map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}
