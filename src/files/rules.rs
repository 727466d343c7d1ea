//! The names that are excluded from the index by default, and from the dataset.

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

/// Whether a file is a PHP file by its name.
pub(super) fn is_php(name: &str) -> bool {
    ends_with(name, ".php")
}

/// The rule that excludes an entry of a folder by its name alone, if there is one.
pub(super) fn left_out_by_name(name: &str, is_folder: bool) -> Option<String> {
    if name.starts_with('.') {
        return Some("hidden".into());
    }
    if is_folder {
        return FOLDERS.contains(&name).then(|| format!("default: {name}/"));
    }
    ["blade.php", "min.php"]
        .into_iter()
        .find(|ending| ends_with(name, &format!(".{ending}")))
        .map(|ending| format!("default: *.{ending}"))
}

/// If names alone exclude the file with this key: the key of the file or of the
/// folder above it that is excluded, and the rule.
pub(super) fn left_out_by_key(key: &str) -> Option<(String, String)> {
    let folders = memchr::memchr_iter(b'/', key.as_bytes()).map(|slash| (&key[..slash], true));
    folders
        .chain([(key, false)])
        .find_map(|(above, is_folder)| {
            let name = above.rsplit('/').next().unwrap_or(above);
            let rule = left_out_by_name(name, is_folder)?;
            let slash = if is_folder { "/" } else { "" };
            Some((format!("{above}{slash}"), rule))
        })
}

fn ends_with(name: &str, ending: &str) -> bool {
    let start = name.len().checked_sub(ending.len());
    start
        .and_then(|start| name.get(start..))
        .is_some_and(|end| end.eq_ignore_ascii_case(ending))
}

/// The rule by which a file of the index is no source of training examples, if
/// there is one.
///
/// Test files are those in a folder named `test` or `tests`, in any case, and
/// those with "test" as a word of their name: `UserTest.php`, `UserTestCase.php`,
/// `user_test.php`, `test-user.php`. `latest.php`, `Contest.php` and
/// `TestResult.php` are no test files; PHPUnit would not run them either. The
/// folders `config/`, `routes/` and `database/migrations/` count at any depth.
#[must_use]
pub fn left_out_of_dataset(key: &str) -> Option<&'static str> {
    let (folders, name) = key.rsplit_once('/').unwrap_or(("", key));
    let mut above = "";
    for folder in folders.split('/') {
        match (above, folder) {
            (_, "config") => return Some("config/"),
            (_, "routes") => return Some("routes/"),
            ("database", "migrations") => return Some("database/migrations/"),
            _ if ["test", "tests"]
                .iter()
                .any(|t| folder.eq_ignore_ascii_case(t)) =>
            {
                return Some("test folder");
            }
            _ => above = folder,
        }
    }
    let stem = name.split('.').next().unwrap_or(name);
    let is_test = stem.ends_with("Test")
        || stem.ends_with("TestCase")
        || stem.split(['_', '-']).next() == Some("test")
        || stem.split(['_', '-']).next_back() == Some("test");
    is_test.then_some("test file")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_told_by_whole_words() {
        for test in [
            "tests/Helper.php",
            "src/Tests/Unit/Helper.php",
            "a/test/b.php",
            "src/UserTest.php",
            "src/TestCase.php",
            "src/UserTestCase.php",
            "user_test.php",
            "test-user.php",
            "test.php",
        ] {
            assert!(left_out_of_dataset(test).is_some(), "{test}");
        }
        for source in [
            "src/DelegatesTo.php",
            "latest.php",
            "src/Contest.php",
            "src/TestResult.php",
            "latests/a.php",
            "protest/attest.php",
            "src/User.php",
        ] {
            assert_eq!(left_out_of_dataset(source), None, "{source}");
        }
    }

    #[test]
    fn folders_without_logic_are_no_data() {
        assert_eq!(left_out_of_dataset("config/app.php"), Some("config/"));
        assert_eq!(
            left_out_of_dataset("modules/a/routes/web.php"),
            Some("routes/")
        );
        let migration = "database/migrations/2020.php";
        assert_eq!(left_out_of_dataset(migration), Some("database/migrations/"));
        for source in [
            "migrations/a.php",
            "database/a.php",
            "Config/a.php",
            "config.php",
        ] {
            assert_eq!(left_out_of_dataset(source), None, "{source}");
        }
    }

    #[test]
    fn endings_are_whole() {
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
}
