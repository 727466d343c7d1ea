//! Which values and combinations of options are wrong, and which have no effect.

use bytesize::ByteSize;

use super::{Options, SplitUnit};
use crate::dataset::format::FileFormat;

/// The least size of a shard. Smaller shards would hold only a few examples each.
const MIN_SHARD: ByteSize = ByteSize::kb(10);

/// An option whose value is out of range or contradicts other options.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}: expected {expected}")]
pub struct WrongOption {
    /// The name of the option as a parameter, with `_`.
    pub name: &'static str,
    /// What is expected, and what is found.
    pub expected: String,
}

impl WrongOption {
    /// The message about the flag of the option.
    #[must_use]
    pub fn of_flag(&self) -> String {
        format!(
            "--{}: expected {}",
            self.name.replace('_', "-"),
            self.expected
        )
    }
}

/// The error about the option `name`.
pub(super) fn wrong<T>(name: &'static str, expected: impl Into<String>) -> Result<T, WrongOption> {
    let expected = expected.into();
    Err(WrongOption { name, expected })
}

impl Options {
    /// Checks the options.
    ///
    /// # Errors
    /// The first option that is out of range or contradicts another.
    pub fn check(&self) -> Result<(), WrongOption> {
        self.check_middles()?;
        self.check_numbers()?;
        self.check_output()
    }

    /// Checks shares, percentages and the limit of tokens.
    fn check_numbers(&self) -> Result<(), WrongOption> {
        if let Some(rate) = self.spm_rate.filter(|rate| !(0.0..=1.0).contains(rate)) {
            return wrong("spm_rate", format!("0 to 1, found {rate}"));
        }
        if self.git == Some(0) {
            return wrong("git", "at least 1 commit, found 0");
        }
        for (name, share) in [
            ("unfinished", self.unfinished),
            ("short_context", self.short_context),
        ] {
            if !(0.0..=1.0).contains(&share) {
                return wrong(name, format!("0 to 1, found {share}"));
            }
        }
        if self.max_tokens == Some(0) {
            return wrong("max_tokens", "at least 1, found 0");
        }
        if let Some(chars) = self.chars_per_token.filter(|n| !(1.0..=16.0).contains(n)) {
            return wrong("chars_per_token", format!("1 to 16, found {chars}"));
        }
        if !(0.0..1.0).contains(&self.val_split) {
            let expected = format!("at least 0 and below 1, found {}", self.val_split);
            return wrong("val_split", expected);
        }
        let percent = self.curriculum_top_pct;
        if !(1..=100).contains(&percent) {
            return wrong("curriculum_top_pct", format!("1 to 100, found {percent}"));
        }
        if percent < 100 && !self.curriculum {
            return wrong(
                "curriculum_top_pct",
                format!("a curriculum to be asked for, too, where it is {percent}"),
            );
        }
        Ok(())
    }

    /// Checks the format and the size of the output.
    fn check_output(&self) -> Result<(), WrongOption> {
        if self.format == FileFormat::Parquet && cfg!(not(feature = "parquet")) {
            let expected = "jsonl or jsonl.zst, since this fimd is built without Parquet (the cargo feature `parquet`)";
            return wrong("format", expected);
        }
        if let Some(size) = self.shard_size
            && size < MIN_SHARD
        {
            let expected = format!(
                "at least {} bytes, found {}",
                MIN_SHARD.as_u64(),
                size.as_u64()
            );
            return wrong("shard_size", expected);
        }
        if self.partial {
            self.check_partial()?;
        }
        Ok(())
    }

    /// Checks the options of a part of a larger dataset.
    fn check_partial(&self) -> Result<(), WrongOption> {
        if self.curriculum {
            let expected = "none with --partial, since a part has no order among the others; sort where they are joined, by `complexity_score`";
            return wrong("curriculum", expected);
        }
        if self.split_by == SplitUnit::Example {
            let expected = "file with --partial, which divides by the text of the files";
            return wrong("split_by", expected);
        }
        if self.format != FileFormat::Parquet {
            let expected = "parquet with --partial, since engines join parts by columns";
            return wrong("format", expected);
        }
        Ok(())
    }

    /// The options that have no effect without another one, and which that is.
    #[must_use]
    pub fn idle(&self) -> Vec<(&'static str, &'static str)> {
        let default = Self::default();
        let context = self.cross_file_context || self.bm25_context;
        let any = "--cross-file-context or --bm25-context";
        [
            (
                !context && !self.include_path.is_empty(),
                "include_path",
                any,
            ),
            (
                !context && self.max_context_chars != default.max_context_chars,
                "max_context_chars",
                any,
            ),
            (
                !context && self.context_style != default.context_style,
                "context_style",
                any,
            ),
            (
                !context && self.short_context != default.short_context,
                "short_context",
                any,
            ),
            (
                !self.cross_file_context && self.min_score != default.min_score,
                "min_score",
                "--cross-file-context",
            ),
            (
                self.max_tokens.is_none() && self.chars_per_token.is_some(),
                "chars_per_token",
                "--max-tokens",
            ),
            (
                self.val_split == 0.0 && self.split_by != default.split_by,
                "split_by",
                "--val-split above 0",
            ),
        ]
        .into_iter()
        .filter_map(|(idle, name, needs)| idle.then_some((name, needs)))
        .collect()
    }
}
