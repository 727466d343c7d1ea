//! The checks of the installed editors and their fimd plugins.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use super::{Check, folders};

/// An editor for which fimd has a plugin.
struct Editor {
    /// The name of its program.
    program: &'static str,
    /// The version of the plugin in a folder; none if the folder is not the plugin.
    version_of: fn(&Path) -> Option<String>,
    /// How to install the plugin.
    fix: &'static str,
}

const NEOVIM: &str = "put editors/nvim of fimd's source on its runtimepath; if a plugin manager \
                      has it elsewhere, `:checkhealth fimd` says how it is";
const CODE: &str = "make it in editors/vscode of fimd's source, then install it: `--install-extension \
                    out/fimd.vsix`";

const EDITORS: [Editor; 4] = [
    Editor {
        program: "nvim",
        version_of: neovim_version,
        fix: NEOVIM,
    },
    Editor {
        program: "code",
        version_of: code_version,
        fix: CODE,
    },
    Editor {
        program: "codium",
        version_of: code_version,
        fix: CODE,
    },
    Editor {
        program: "code-server",
        version_of: code_version,
        fix: CODE,
    },
];

/// One check for each editor on the `PATH`.
pub(super) fn checks() -> Vec<Check> {
    let found: Vec<_> = EDITORS.iter().filter_map(check).collect();
    match found.is_empty() {
        true => {
            let programs = EDITORS.map(|editor| editor.program);
            let says = format!("none on the PATH of {}", programs.join(", "));
            vec![Check::ok("editors", says)]
        }
        false => found,
    }
}

/// The check of one editor; none if it is not installed.
fn check(editor: &Editor) -> Option<Check> {
    let Editor { program, fix, .. } = *editor;
    let path = on_path(program)?;
    let plugins = plugin_folders(program);
    let found = plugins
        .iter()
        .find_map(|folder| Some((folder, (editor.version_of)(folder)?)));
    let path = path.display();
    let ours = env!("CARGO_PKG_VERSION");
    Some(match found {
        None => Check::warning(
            program,
            format!("{path}: no plugin in the usual folders"),
            fix,
        ),
        Some((folder, version)) if version == ours => {
            let says = format!("{path}: has the plugin {version}, {}", folder.display());
            Check::ok(program, says)
        }
        Some((folder, version)) => Check::fault(
            program,
            format!(
                "{path}: has the plugin {version}, not {ours}: {}",
                folder.display()
            ),
            format!("install that of this version: {fix}"),
        ),
    })
}

fn on_path(program: &str) -> Option<PathBuf> {
    let folders = env::var_os("PATH")?;
    let mut paths = env::split_paths(&folders).map(|folder| folder.join(program));
    paths.find(|path| {
        fs::metadata(path)
            .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    })
}

/// The folders that may hold the plugin, sorted.
fn plugin_folders(program: &str) -> BTreeSet<PathBuf> {
    let Some(user) = folders() else {
        return BTreeSet::new();
    };
    let home = user.home_dir();
    match program {
        "nvim" => {
            let (data, config) = (user.data_dir().join("nvim"), user.config_dir().join("nvim"));
            let mut found = BTreeSet::from([config.clone()]);
            for manager in ["lazy", "plugged"] {
                found.extend(entries(&data.join(manager)));
            }
            let system = ["/usr/local/share/nvim/site", "/usr/share/nvim/site"].map(PathBuf::from);
            for site in [data.join("site"), config].into_iter().chain(system) {
                for pack in entries(&site.join("pack")) {
                    found.extend(entries(&pack.join("start")));
                    found.extend(entries(&pack.join("opt")));
                }
            }
            found
        }
        "code" => [".vscode", ".vscode-server"]
            .iter()
            .flat_map(|folder| entries(&home.join(folder).join("extensions")))
            .collect(),
        "codium" => entries(&home.join(".vscode-oss/extensions")).collect(),
        _ => entries(&user.data_dir().join("code-server/extensions")).collect(),
    }
}

/// The entries of a folder; none if it does not exist.
fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.flatten().map(|entry| entry.path())
}

/// Reads the version from a line such as `return '0.1.0'`.
fn neovim_version(folder: &Path) -> Option<String> {
    let text = fs::read_to_string(folder.join("lua/fimd/version.lua")).ok()?;
    text.split('\'').nth(1).map(str::to_owned)
}

fn code_version(folder: &Path) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct ExtensionManifest {
        publisher: String,
        name: String,
        version: String,
    }
    let text = fs::read(folder.join("package.json")).ok()?;
    let manifest: ExtensionManifest = serde_json::from_slice(&text).ok()?;
    let is_ours = manifest.publisher == "fimd" && manifest.name == "fimd";
    is_ours.then_some(manifest.version)
}
