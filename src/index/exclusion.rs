//! Files that do not belong to a project, and files that are no source of training
//! examples.

/// A PHP file or a folder that does not belong to the project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exclusion {
    /// Its path as a key; a folder ends with `/`.
    pub key: String,
    /// The rule that excludes it, in words for a user.
    pub rule: String,
}

/// The key of the [`Exclusion`] of a whole repository.
pub const WHOLE: &str = "./";

/// The rule by which a file of the index is no source of training examples, if
/// there is one.
///
/// Test files are those in a folder named `test` or `tests`, in any case, and
/// those with "test" as a word of their name: `UserTest.php`, `UserTestCase.php`,
/// `user_test.php`, `test-user.php`. `latest.php`, `Contest.php` and
/// `TestResult.php` are no test files; PHPUnit would not run them either. The
/// folders `config/`, `routes/` and `database/migrations/` count at any depth.
#[must_use]
pub fn training_exclusion(key: &str) -> Option<&'static str> {
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
            assert!(training_exclusion(test).is_some(), "{test}");
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
            assert_eq!(training_exclusion(source), None, "{source}");
        }
    }

    #[test]
    fn folders_without_logic_are_no_data() {
        assert_eq!(training_exclusion("config/app.php"), Some("config/"));
        assert_eq!(
            training_exclusion("modules/a/routes/web.php"),
            Some("routes/")
        );
        let migration = "database/migrations/2020.php";
        assert_eq!(training_exclusion(migration), Some("database/migrations/"));
        for source in [
            "migrations/a.php",
            "database/a.php",
            "Config/a.php",
            "config.php",
        ] {
            assert_eq!(training_exclusion(source), None, "{source}");
        }
    }
}
