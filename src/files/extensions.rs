//! The endings of the names of PHP files.

use std::path::Path;
use std::sync::Arc;

use memchr::memmem;

use super::regular::{Links, read_bytes};

/// The ending whose files count whatever they hold.
const PHP: &str = "php";

/// The endings that count by default: PHP's own and those of Drupal.
const DEFAULT: [&str; 8] = [
    PHP, "phtml", "inc", "module", "install", "theme", "profile", "engine",
];

/// The endings by which files count as PHP, in lower case and without a leading dot. An
/// ending may have dots inside: `blade.php`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "Vec<String>")]
pub struct Extensions(Arc<[Box<str>]>);

impl Default for Extensions {
    fn default() -> Self {
        Self(DEFAULT.map(Box::from).into())
    }
}

impl TryFrom<Vec<String>> for Extensions {
    type Error = String;

    /// The endings in `names`, each with or without a leading `.` or `*.`.
    fn try_from(names: Vec<String>) -> Result<Self, String> {
        let ending = |name: &String| {
            let ending = name.strip_prefix('*').unwrap_or(name);
            let ending = ending.strip_prefix('.').unwrap_or(ending);
            let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-');
            if ending.is_empty() || !ending.chars().all(is_plain) {
                return Err(format!(
                    "{name:?} is no ending of a file's name, such as \"inc\""
                ));
            }
            Ok(ending.to_lowercase().into_boxed_str())
        };
        let endings = names.iter().map(ending).collect::<Result<Vec<_>, _>>()?;
        match endings.is_empty() {
            true => Err("expected at least one ending of a file's name, such as \"php\"".into()),
            false => Ok(Self(endings.into())),
        }
    }
}

impl Extensions {
    /// The endings, in the order given.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|ending| &**ending)
    }

    /// Whether a file with this name counts as PHP by its name.
    #[must_use]
    pub fn count(&self, name: &str) -> bool {
        self.iter().any(|ending| ends_with(name, ending))
    }

    /// Whether the ending `ending` itself is one of these.
    pub(super) fn name(&self, ending: &str) -> bool {
        self.iter().any(|own| own == ending)
    }
}

/// Whether a file with this name and content holds PHP. Other programs use the endings
/// `inc`, `module` and the like for files of their own.
pub(super) fn holds_php(name: &str, content: &[u8]) -> bool {
    ends_with(name, PHP) || memmem::find(content, b"<?").is_some()
}

/// Whether the file at `path`, which has at most `most` bytes, holds PHP; also true if it
/// cannot be read, which its reader will tell.
#[must_use]
pub fn file_holds_php(path: &Path, most: u64) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    ends_with(&name, PHP)
        || read_bytes(path, most, Links::Refused).map_or(true, |content| holds_php(&name, &content))
}

/// Whether `name` ends with a dot and `ending`, in any case.
pub(super) fn ends_with(name: &str, ending: &str) -> bool {
    let dot = name.len().checked_sub(ending.len() + 1);
    let end = dot.and_then(|dot| name.get(dot..));
    end.and_then(|end| end.strip_prefix('.'))
        .is_some_and(|end| end.eq_ignore_ascii_case(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: &[&str]) -> Result<Extensions, String> {
        names
            .iter()
            .map(|&name| name.to_owned())
            .collect::<Vec<_>>()
            .try_into()
    }

    #[test]
    fn endings_are_whole_and_in_any_case() {
        let usual = Extensions::default();
        for name in ["A.PHP", "a.inc", "views.module", "page.phtml"] {
            assert!(usual.count(name), "{name}");
        }
        for name in ["php", "a.php5", "amodule", "a.html", "module"] {
            assert!(!usual.count(name), "{name}");
        }
        let own = of(&["*.tpl", ".Blade.php", "ctp"]).unwrap();
        assert!(own.count("a.blade.PHP") && own.count("b.tpl") && own.count("c.ctp"));
        assert!(!own.count("a.php") && own.name("blade.php"));
    }

    #[test]
    fn what_is_no_ending_is_refused() {
        for names in [&["*"][..], &[""], &["a/b"], &["php", "*.*"], &[]] {
            assert!(of(names).is_err(), "{names:?}");
        }
    }
}
