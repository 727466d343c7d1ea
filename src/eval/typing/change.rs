//! Why a prompt differs from the one before it, and where.

use std::ops::Range;

use serde::Serialize;

use crate::model::ModelText;

/// What of a prompt differs first from the one before it in the same place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PromptChange {
    /// Nothing but what was typed or taken back.
    Typed,
    /// The context.
    Context,
    /// The start of the window.
    Window,
    /// Something else in the text before the cursor.
    Prefix,
    /// The text behind the cursor.
    Suffix,
    /// The cursor has come from another method or another file.
    Moved,
}

impl PromptChange {
    /// All changes, in the order of the report.
    pub(super) const ALL: [Self; 6] = [
        Self::Typed,
        Self::Context,
        Self::Window,
        Self::Prefix,
        Self::Suffix,
        Self::Moved,
    ];

    /// The change from `former` to `now`, whose first `same` bytes are equal.
    pub(super) fn between(former: &ModelText, now: &ModelText, same: usize) -> Self {
        let of = |text: &'static str, range: fn(&ModelText) -> &Range<usize>| (text, range);
        let mut parts = [
            of("context", |text| &text.context),
            of("prefix", |text| &text.prefix),
            of("suffix", |text| &text.suffix),
        ];
        parts.sort_by_key(|(_, range)| range(now).start);
        // A part that has only grown ends where the texts begin to differ.
        let differs = |range: fn(&ModelText) -> &Range<usize>| {
            former.text[range(former).clone()] != now.text[range(now).clone()]
        };
        let first = parts
            .into_iter()
            .find(|(_, range)| differs(*range) && same <= range(now).end.max(range(former).end));
        match first {
            None => Self::Typed,
            Some(("context", _)) => Self::Context,
            Some(("suffix", _)) => Self::Suffix,
            Some(_) => Self::of_prefix(
                &former.text[former.prefix.clone()],
                &now.text[now.prefix.clone()],
            ),
        }
    }

    /// The change from one prefix to another.
    fn of_prefix(former: &str, now: &str) -> Self {
        if now.starts_with(former) || former.starts_with(now) {
            return Self::Typed;
        }
        let first_line = |text: &str| text.split_inclusive('\n').next().map(str::len);
        let same = common_start(former.as_bytes(), now.as_bytes());
        match first_line(now) {
            Some(line) if same < line && now.len() > line => Self::Window,
            _ => Self::Prefix,
        }
    }
}

/// How many elements `a` and `b` have in common at their start.
pub(super) fn common_start<T: PartialEq>(a: &[T], b: &[T]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ContextStyle, Family, FimFormat, PromptParts};

    fn prompt(context: &str, prefix: &str, suffix: &str, format: FimFormat) -> ModelText {
        let parts = PromptParts {
            context,
            files: &[],
            repo: "",
            path: "",
            prefix,
            suffix,
        };
        Family::default().prompt(&parts, format, ContextStyle::Comment)
    }

    fn change(former: [&str; 3], now: [&str; 3], format: FimFormat) -> PromptChange {
        let [a, b] = [former, now].map(|[c, p, s]| prompt(c, p, s, format));
        let same = common_start(a.text.as_bytes(), b.text.as_bytes());
        PromptChange::between(&a, &b, same)
    }

    #[test]
    fn the_first_part_that_differs_is_named() {
        for format in [FimFormat::Psm, FimFormat::Spm] {
            let before = ["ctx\n", "one\ntwo\n$a", "end\n"];
            for (now, expected) in [
                (before, PromptChange::Typed),
                (["ctx\n", "one\ntwo\n$a->", "end\n"], PromptChange::Typed),
                (["ctx\n", "one\ntwo\n$", "end\n"], PromptChange::Typed),
                (
                    ["ctx\nmore\n", "one\ntwo\n$a-", "end\n"],
                    PromptChange::Context,
                ),
                (["ctx\n", "two\n$a->b", "end\n"], PromptChange::Window),
                (["ctx\n", "one\nthree\n$a", "end\n"], PromptChange::Prefix),
                (["ctx\n", "one\ntwo\n$a", "other\n"], PromptChange::Suffix),
            ] {
                assert_eq!(change(before, now, format), expected, "{now:?} {format:?}");
            }
        }
    }
}
