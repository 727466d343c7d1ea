//! The names that are excluded from a project by default.

use super::extensions::{Extensions, ends_with};

/// Folders anywhere below the root that hold no source of the project.
const FOLDERS: [&str; 7] = [
    "vendor",
    "node_modules",
    "cache",
    "storage",
    "public",
    "dist",
    "build",
];

/// Folders of other people's source, which no autoload rule of the project's own makes
/// the project's.
const FOREIGN: [&str; 2] = ["vendor", "node_modules"];

/// Folders of source, whatever the folders inside are called.
const SOURCE: [&str; 6] = ["src", "lib", "app", "inc", "includes", "classes"];

/// What the names of the files begin with that laravel-ide-helper writes: declarations
/// for editors, beside the real ones.
const IDE_HELPER: &str = "_ide_helper";

/// Whether a file of this name only states for editors what other files declare.
pub(super) fn is_helper(name: &str) -> bool {
    name.starts_with(IDE_HELPER) && is_php(name)
}

/// Whether the folder with this key is inside a folder of source, such as `lib/cache`.
pub(super) fn is_inside_source(folder: &str) -> bool {
    let above = folder.rsplit_once('/').map_or("", |(above, _)| above);
    above.split('/').any(|name| SOURCE.contains(&name))
}

/// Whether a file is one of PHP alone by its name.
pub(super) fn is_php(name: &str) -> bool {
    ends_with(name, "php")
}

/// Whether the rule that excludes a folder of this name gives way where the project
/// uses what is in the folder.
pub(super) fn may_hold_source(name: &str) -> bool {
    FOLDERS.contains(&name) && !FOREIGN.contains(&name)
}

/// The rule that excludes an entry of a folder by its name alone, if there is one.
pub(super) fn left_out_by_name(
    name: &str,
    is_folder: bool,
    extensions: &Extensions,
) -> Option<String> {
    if name.starts_with('.') {
        return Some("hidden".into());
    }
    if is_folder {
        return FOLDERS.contains(&name).then(|| format!("default: {name}/"));
    }
    if is_helper(name) {
        return Some(format!("default: {IDE_HELPER}*.php"));
    }
    ["blade.php", "min.php"]
        .into_iter()
        .filter(|ending| !extensions.name(ending))
        .find(|ending| ends_with(name, ending))
        .map(|ending| format!("default: *.{ending}"))
}

/// If names alone exclude the file with this key: the key of the file or of the
/// folder above it that is excluded, and the rule.
pub(super) fn left_out_by_key(key: &str, extensions: &Extensions) -> Option<(String, String)> {
    let folders = memchr::memchr_iter(b'/', key.as_bytes()).map(|slash| (&key[..slash], true));
    folders
        .chain([(key, false)])
        .find_map(|(above, is_folder)| {
            let name = above.rsplit('/').next().unwrap_or(above);
            if is_folder && may_hold_source(name) && is_inside_source(above) {
                return None;
            }
            let rule = left_out_by_name(name, is_folder, extensions)?;
            let slash = if is_folder { "/" } else { "" };
            Some((format!("{above}{slash}"), rule))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_are_whole() {
        let left_out_by_name =
            |name, is_folder| left_out_by_name(name, is_folder, &Extensions::default());
        assert_eq!(
            left_out_by_name("a.blade.php", false).unwrap(),
            "default: *.blade.php"
        );
        assert_eq!(
            left_out_by_name("a.MIN.php", false).unwrap(),
            "default: *.min.php"
        );
        assert_eq!(left_out_by_name("admin.php", false), None);
        assert_eq!(left_out_by_name("vendor", false), None);
        assert_eq!(left_out_by_name("vendors", true), None);
        assert!(is_php("A.PHP") && !is_php("php") && !is_php("a.php5"));
    }

    #[test]
    fn keys_have_the_rules_of_folders() {
        let rule = |key| left_out_by_key(key, &Extensions::default()).map(|(above, _)| above);
        assert_eq!(rule("lib/cache/a.php"), None);
        assert_eq!(rule("cache/lib/a.php").unwrap(), "cache/");
        assert_eq!(rule("src/vendor/a.php").unwrap(), "src/vendor/");
    }
}
