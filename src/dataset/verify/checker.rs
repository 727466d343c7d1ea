//! What the checks compare an example with: the projects, the options and the
//! model of the dataset.

use std::borrow::Cow;
use std::ops::Range;

use crate::cancel::Cancel;
use crate::dataset::evaluation::Evaluations;
use crate::dataset::options::{ControlTokenPolicy, Options, SecretPolicy};
use crate::dataset::record::Example;
use crate::dataset::repo::Repo;
use crate::dataset::report::sample::ExamplePosition;
use crate::dataset::verify::claims::quoted;
use crate::model::{ContextStyle, Model, source_text};
use crate::secrets::{Secret, Secrets};

/// An example and its position.
pub(super) type PlacedExample = (ExamplePosition, Example);

/// Checks examples against their projects.
pub(super) struct Checker<'a> {
    /// The projects of the dataset.
    pub(super) projects: &'a [Repo<'a>],
    /// The model that the dataset is for.
    pub(super) model: &'a Model,
    /// Finds secrets in the source files.
    pub(super) secrets: Secrets,
    /// The options of the dataset.
    pub(super) options: Options,
    /// What no example may show.
    pub(super) evaluations: &'a Evaluations,
    /// Cancels the checks.
    pub(super) cancel: &'a Cancel,
}

/// The texts of an example with control tokens as the source files spell them.
pub(super) struct SourceSpelling<'e> {
    /// The prefix.
    pub(super) prefix: Cow<'e, str>,
    /// The middle.
    pub(super) middle: Cow<'e, str>,
    /// The suffix.
    pub(super) suffix: Cow<'e, str>,
    /// The context.
    pub(super) context: Cow<'e, str>,
}

impl Checker<'_> {
    /// Whether the fields of an example suffice to render its `text` again. If the
    /// family's tokens stand between the files of a context, only an assembled
    /// context tells where a file begins.
    pub(super) fn texts_need_no_context(&self) -> bool {
        self.options.context_style == ContextStyle::Comment
    }

    /// The example's texts before control tokens in them were neutralised.
    pub(super) fn spelling<'e>(&self, example: &'e Example) -> SourceSpelling<'e> {
        let restore = |text: &'e str| match self.options.markers {
            ControlTokenPolicy::Drop => Cow::Borrowed(text),
            ControlTokenPolicy::Neutralise => self.model.family_tokens().restore(text),
        };
        SourceSpelling {
            prefix: restore(&example.prefix),
            middle: restore(&example.middle),
            suffix: restore(&example.suffix),
            context: restore(&example.context),
        }
    }

    /// The secrets in the text of a file that placeholders replace.
    pub(super) fn secrets_of(&self, text: &str) -> Vec<Secret> {
        match self.options.secrets {
            SecretPolicy::Keep => Vec::new(),
            SecretPolicy::Redact | SecretPolicy::Drop => self.secrets.find(text),
        }
    }

    /// The project that examples call `name`.
    pub(super) fn project(&self, name: Option<&str>) -> Option<&Repo<'_>> {
        self.projects.iter().find(|project| project.name == name)
    }

    /// The text of the file `key` of the project `repo` itself. If there is no such
    /// text, the error tells why.
    pub(super) fn source(&self, repo: Option<&str>, key: &str) -> Result<&str, String> {
        let Some(project) = self.project(repo) else {
            return Err(match repo {
                Some(repo) => {
                    format!("repo: no project {repo:?} to check it with: name its folder")
                }
                None => "repo: expected the project that it is of, found none".into(),
            });
        };
        match project.file(key) {
            None => Err("the file has changed since: it is not among the project's files".into()),
            Some(_) if !(project.in_root)(key) => {
                Err("expected a file of the project itself, found one of an include path".into())
            }
            Some(file) if file.lossy => Err("the file has changed since: it is not UTF-8".into()),
            Some(file) => Ok(&file.text),
        }
    }
}

/// The parts of `text` before, in and behind the example's hole; `None` if the text has
/// no such hole.
pub(super) fn around_hole<'t>(text: &'t str, example: &Example) -> Option<[&'t str; 3]> {
    let (start, end) = (example.start_byte, example.end_byte);
    Some([text.get(..start)?, text.get(start..end)?, text.get(end..)?])
}

/// The first difference between the example's texts and `text`, the buffer with the
/// middle at `hole`. Placeholders replace `secrets`, which are those of all of it.
pub(super) fn misfit(
    spelling: &SourceSpelling<'_>,
    text: &str,
    hole: &Range<usize>,
    secrets: &[Secret],
) -> Option<String> {
    let Range { start, end } = *hole;
    let shown = |window| source_text(text, window, secrets);
    let (before, hole) = (shown(0..start), shown(start..end));
    let after = shown(end..text.len());
    let expected = |field: &str, found: &str, expected: &str| {
        Some(format!(
            "{field}: expected {} as in the file, found {}",
            quoted(expected),
            quoted(found)
        ))
    };
    let SourceSpelling {
        prefix,
        middle,
        suffix,
        ..
    } = spelling;
    if hole != *middle {
        let at = first_difference(&hole, middle).unwrap_or(0);
        expected("middle, start_byte, end_byte", &middle[at..], &hole[at..])
    } else if !before.ends_with(&**prefix) {
        let from = before.len().saturating_sub(prefix.len());
        let own = &before[before.floor_char_boundary(from)..];
        let at = first_difference(own, prefix).unwrap_or(0);
        expected("prefix", &prefix[at..], &own[at..])
    } else if !after.starts_with(&**suffix) {
        let at = first_difference(&after, suffix).unwrap_or(0);
        expected("suffix", &suffix[at..], &after[at..])
    } else {
        None
    }
}

/// The byte offset of the first character in which `a` and `b` differ.
pub(super) fn first_difference(a: &str, b: &str) -> Option<usize> {
    if a == b {
        return None;
    }
    let same = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b);
    // The equal bytes end inside a character of both texts, or of neither.
    Some(a.floor_char_boundary(same.count()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_differ_from_a_character_on() {
        assert_eq!(first_difference("abc", "abc"), None);
        assert_eq!(first_difference("abc", "ab"), Some(2));
        assert_eq!(first_difference("ab", "abc"), Some(2));
        assert_eq!(first_difference("", "abc"), Some(0));
        // Both characters start with the byte 0xc3.
        assert_eq!(first_difference("a\u{e4}", "a\u{f6}"), Some(1));
        assert_eq!(first_difference("a\u{e4}", "a\u{e4}b"), Some(3));
    }
}
