//! The options of a dataset, defined once: the fields of [`Options`] are the flags
//! of `fimd generate`, the parameters of `generateDataset` and the options in
//! `metadata.json`. A field has the long name of its flag, with `_` for `-`.

mod check;
mod limits;

use std::io;
use std::path::{Path, PathBuf};

use bytesize::ByteSize;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

pub use self::check::WrongOption;
use self::check::wrong;
use crate::context::MinScore;
use crate::context::budget::DEFAULT_MAX_CONTEXT_CHARS;
use crate::dataset::format::{FileFormat, in_bytes};
use crate::dataset::mix::Mix;
use crate::model::{ContextStyle, DEFAULT_FAMILY, Families, Family, FamilyName, Model};
use crate::prompt::{DEFAULT_MAX_SUFFIX_CHARS, DEFAULT_MAX_TOTAL_CHARS};

/// What stays together when examples are split into training and validation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum SplitUnit {
    /// All examples of a file are in the same split.
    #[default]
    File,
    /// Nothing: training shows the files of the validation.
    Example,
}

/// What happens to control tokens that a source file spells itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum ControlTokenPolicy {
    /// The example is left out, so every text is the files' own.
    #[default]
    Drop,
    /// A space goes after the first character of each token.
    Neutralise,
}

/// What counts as a duplicate, of files and of examples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Dedup {
    /// Nothing: duplicates stay.
    Off,
    /// Equal text.
    Exact,
    /// Nearly equal text, by runs of tokens.
    #[default]
    Near,
}

/// What happens to secrets in an example.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum SecretPolicy {
    /// Placeholders replace them.
    #[default]
    Redact,
    /// An example with a secret is left out.
    Drop,
    /// They stay.
    Keep,
}

// The doc comments of the fields are the help of `fimd generate --help`.
/// The options of a dataset, as a user writes them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Model family whose fill-in-the-middle tokens are used: see `fimd models`
    #[arg(
        long,
        value_name = "MODEL",
        value_parser = FamilyName,
        hide_possible_values = true,
        default_value_t = Options::default().base_model
    )]
    pub base_model: String,
    /// Share of the examples with the suffix first, from 0 to 1, for families that have the prefix first [default: 0.5 if the models know both orders, else 0]
    #[arg(long, value_name = "RATE")]
    pub spm_rate: Option<f64>,
    /// How the cross-file context stands in the text: under comments, or with the family's tokens for repositories
    #[arg(long, value_name = "STYLE", default_value = "comment")]
    pub context_style: ContextStyle,
    /// What happens to control tokens of the family that a source file spells itself
    #[arg(long, value_name = "WHAT", default_value = "drop")]
    pub markers: ControlTokenPolicy,
    /// The model's tokenizer.json: counts tokens, and proves that each marker is one
    #[arg(long, value_name = "FILE")]
    pub tokenizer: Option<PathBuf>,
    /// Most tokens of a text, counted with --tokenizer, else estimated; all parts get fewer characters
    #[arg(long, value_name = "N")]
    pub max_tokens: Option<usize>,
    /// Characters of a token, by which --max-tokens becomes budgets of characters [default: measured on the first project; 2.6 with --partial and for rows]
    #[arg(long, value_name = "N")]
    pub chars_per_token: Option<f64>,
    /// Put declarations that the file refers to before the prefix
    #[arg(long)]
    pub cross_file_context: bool,
    /// Put code chunks found by BM25 before the prefix
    #[arg(long)]
    pub bm25_context: bool,
    /// Leave out repetitive, low-entropy and comment-only middles
    #[arg(long)]
    pub quality_filter: bool,
    /// Extra folder or file for cross-file context, which counts even if it is ignored; the
    /// rules apply inside it (repeatable)
    #[arg(long, value_name = "DIR")]
    pub include_path: Vec<PathBuf>,
    /// Share of the examples, from 0 to 1, whose buffer is unfinished: code behind the cursor, an import or the rest of a line is not typed yet
    #[arg(long, value_name = "SHARE", default_value_t = Options::default().unfinished)]
    pub unfinished: f64,
    /// Share of the examples, from 0 to 1, with a quarter of the context or none
    #[arg(long, value_name = "SHARE", default_value_t = Options::default().short_context)]
    pub short_context: f64,
    /// Most lines of a middle
    #[arg(long, value_name = "N", default_value_t = Options::default().max_middle_lines)]
    pub max_middle_lines: usize,
    /// Fewest characters of a middle [default: by its kind: 3 of a line, 12 of a block or comment, 40 of other nodes and spans]
    #[arg(long, value_name = "N")]
    pub min_middle_chars: Option<usize>,
    /// Most characters of context, prefix, middle and suffix together; a quarter is kept for the middle
    #[arg(long, value_name = "N", default_value_t = Options::default().max_total_chars)]
    pub max_total_chars: usize,
    /// Most characters of the cross-file context
    #[arg(long, value_name = "N", default_value_t = Options::default().max_context_chars)]
    pub max_context_chars: usize,
    /// Most characters of the prefix [default: what the total leaves]
    #[arg(long, value_name = "N")]
    pub max_prefix_chars: Option<usize>,
    /// Most characters of the suffix
    #[arg(long, value_name = "N", default_value_t = Options::default().max_suffix_chars)]
    pub max_suffix_chars: usize,
    /// Leave out declarations less likely than this to be named next, from 0 to 1
    #[arg(long, value_name = "SCORE", default_value_t)]
    pub min_score: MinScore,
    /// Cut examples from tests, too
    #[arg(long)]
    pub include_tests: bool,
    /// Cut examples from database/migrations/, too
    #[arg(long)]
    pub include_migrations: bool,
    /// Cut examples from routes/, too
    #[arg(long)]
    pub include_routes: bool,
    /// Cut examples from config/, too
    #[arg(long)]
    pub include_config: bool,
    /// Only files that have a test: XTest.php, or a test class that names X
    #[arg(long)]
    pub tested_only: bool,
    /// Sort the training examples by complexity, the hardest first
    #[arg(long)]
    pub curriculum: bool,
    /// With --curriculum, keep only the hardest N percent for training
    #[arg(long, value_name = "N", default_value_t = Options::default().curriculum_top_pct)]
    pub curriculum_top_pct: u8,
    /// Share of the data for validation, from 0 up to 1
    #[arg(long, value_name = "RATIO", default_value_t = Options::default().val_split)]
    pub val_split: f64,
    /// What stays together in the split; by example, training knows the validation files
    #[arg(long, value_name = "UNIT", default_value = "file")]
    pub split_by: SplitUnit,
    /// Of files and examples with the same or nearly the same text, keep one
    #[arg(long, value_name = "WHICH", default_value = "near")]
    pub dedup: Dedup,
    /// Leave out what shows the holes of another dataset, which shall evaluate (repeatable)
    #[arg(long, value_name = "DIR")]
    pub exclude_dataset: Vec<PathBuf>,
    /// Leave out what shows the holes or texts of an evaluation: JSON lines with middle, prefix and suffix, or with text (repeatable)
    #[arg(long, value_name = "FILE")]
    pub contamination: Vec<PathBuf>,
    /// What becomes of keys, tokens and passwords in prefix, middle, suffix and context
    #[arg(long, value_name = "WHAT", default_value = "redact")]
    pub secrets: SecretPolicy,
    /// Cut examples from generated files and data tables, too
    #[arg(long)]
    pub keep_generated: bool,
    /// Cut examples from checked-in copies of third-party libraries, too
    #[arg(long)]
    pub keep_vendored: bool,
    /// Write what was refused, and why, to this file, one JSON object per line; in the dataset it has to be called rejects.jsonl
    #[arg(long, value_name = "FILE")]
    pub rejects: Option<PathBuf>,
    /// Seed of all random choices
    #[arg(long, value_name = "N", default_value_t = Options::default().seed)]
    pub seed: u64,
    /// Share of each kind of hole: completion, seed, blocks, or your own, such as typing=30,line_rest=20,block=10
    #[arg(long, value_name = "MIX", default_value_t)]
    pub mix: Mix,
    /// Do not parse: line and brace spans instead of syntax-tree spans
    #[arg(long)]
    pub no_ast_fim: bool,
    /// Cut holes at what the last COMMITS commits of the project's git repository added, too [default of COMMITS: 1000]
    #[arg(
        long,
        value_name = "COMMITS",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "1000"
    )]
    pub git: Option<usize>,
    /// Leave out files with more bytes [default: what the settings say, else 1048576]
    #[arg(long, value_name = "BYTES")]
    pub max_file_bytes: Option<u64>,
    /// Say in each example where it is from: repo, commit, license, content_hash
    #[arg(long)]
    pub provenance: bool,
    /// Make one part of a larger dataset: nothing depends on which repositories are in it; needs --format parquet
    #[arg(long)]
    pub partial: bool,
    /// Format of the examples; zstd, in Parquet too, compresses at level 3
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub format: FileFormat,
    /// Cut each split into files of at most SIZE, in bytes of JSON lines before compression: 256MB, 1GiB [default: one file]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    #[serde(serialize_with = "in_bytes")]
    pub shard_size: Option<ByteSize>,
}

/// Reads a number of bytes with its unit.
fn size(text: &str) -> Result<ByteSize, &'static str> {
    text.parse()
        .map_err(|_: String| "expected a size with its unit, such as 256MB or 1GiB")
}

impl Default for Options {
    fn default() -> Self {
        Self {
            base_model: DEFAULT_FAMILY.into(),
            spm_rate: None,
            context_style: ContextStyle::default(),
            markers: ControlTokenPolicy::default(),
            tokenizer: None,
            max_tokens: None,
            chars_per_token: None,
            cross_file_context: false,
            bm25_context: false,
            quality_filter: false,
            include_path: Vec::new(),
            unfinished: 0.0,
            short_context: 0.0,
            max_middle_lines: 30,
            min_middle_chars: None,
            max_total_chars: DEFAULT_MAX_TOTAL_CHARS,
            max_context_chars: DEFAULT_MAX_CONTEXT_CHARS,
            max_prefix_chars: None,
            max_suffix_chars: DEFAULT_MAX_SUFFIX_CHARS,
            min_score: MinScore::default(),
            include_tests: false,
            include_migrations: false,
            include_routes: false,
            include_config: false,
            tested_only: false,
            curriculum: false,
            curriculum_top_pct: 100,
            val_split: 0.1,
            split_by: SplitUnit::default(),
            dedup: Dedup::default(),
            exclude_dataset: Vec::new(),
            contamination: Vec::new(),
            secrets: SecretPolicy::default(),
            keep_generated: false,
            keep_vendored: false,
            rejects: None,
            seed: 42,
            mix: Mix::default(),
            no_ast_fim: false,
            git: None,
            max_file_bytes: None,
            provenance: false,
            partial: false,
            format: FileFormat::default(),
            shard_size: None,
        }
    }
}

impl Options {
    /// The options without what a reader elsewhere cannot use: the paths of the file of
    /// rejects and of evaluations, and all of another absolute path but its last name.
    #[must_use]
    pub(super) fn without_paths(&self) -> Self {
        let name = |path: &PathBuf| match path.file_name() {
            Some(name) if path.is_absolute() => name.into(),
            _ => path.clone(),
        };
        Self {
            rejects: None,
            exclude_dataset: Vec::new(),
            contamination: Vec::new(),
            include_path: self.include_path.iter().map(name).collect(),
            tokenizer: self.tokenizer.as_ref().map(name),
            ..self.clone()
        }
    }

    /// The model family of the options.
    ///
    /// # Errors
    /// If there is no such family, or another option asks for what it does not have.
    pub fn family<'a>(&self, families: &'a Families) -> Result<&'a Family, WrongOption> {
        let name = &self.base_model;
        let Some(family) = families.get(name) else {
            let known = families.names(|_| true);
            return wrong("base_model", format!("one of {known}, found {name}"));
        };
        if self.spm_rate.is_some_and(|rate| rate > 0.0) && !family.mixes_formats() {
            let expected = format!("0, since {name} has the suffix first in every example");
            return wrong("spm_rate", expected);
        }
        if self.context_style == ContextStyle::Repo && family.repo.is_none() {
            let having = families.names(|family| family.repo.is_some());
            let expected = format!(
                "comment, since {name} has no tokens for the files of a repository; these have: {having}"
            );
            return wrong("context_style", expected);
        }
        Ok(family)
    }

    /// The model that these options name. `read` reads the bytes of the tokenizer's
    /// file, so that nothing here knows a disk.
    ///
    /// # Errors
    /// As [`Self::family`], and if the tokenizer cannot be used with it.
    pub fn model<'o>(
        &'o self,
        families: &Families,
        read: impl FnOnce(&'o Path) -> io::Result<Vec<u8>>,
    ) -> Result<Model, WrongOption> {
        let family = self.family(families)?.clone();
        Model::new(family, self.tokenizer.as_deref(), read).map_err(|error| WrongOption {
            name: "tokenizer",
            expected: error.to_string(),
        })
    }

    /// The random generator for `what`. It gives the same numbers for the same seed;
    /// generators for different `what` are independent.
    pub(super) fn rng(&self, what: &str) -> ChaCha8Rng {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.seed.to_le_bytes());
        hasher.update(what.as_bytes());
        ChaCha8Rng::from_seed(*hasher.finalize().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use clap::FromArgMatches;

    use super::*;

    #[test]
    fn no_flag_and_no_parameter_mean_the_same() {
        let command = <Options as clap::Args>::augment_args(clap::Command::new("fimd"));
        let matches = command.get_matches_from(["fimd"]);
        let flags = Options::from_arg_matches(&matches).unwrap();
        assert_eq!(flags, Options::default());
        let parameters: Options = serde_json::from_str("{}").unwrap();
        assert_eq!(parameters, Options::default());
    }

    #[test]
    fn an_option_without_effect_is_told() {
        let mut options = Options {
            include_path: vec!["lib".into()],
            max_context_chars: 100,
            short_context: 0.2,
            ..Options::default()
        };
        let names = |options: &Options| {
            options
                .idle()
                .iter()
                .map(|(name, _)| *name)
                .collect::<Vec<_>>()
        };
        let idle = ["include_path", "max_context_chars", "short_context"];
        assert_eq!(names(&options), idle);
        options.bm25_context = true;
        assert!(names(&options).is_empty());
        assert!(Options::default().idle().is_empty());
    }

    #[test]
    fn of_an_absolute_path_only_the_name_stays() {
        let options = Options {
            include_path: vec!["/home/me/lib".into(), "../lib".into()],
            tokenizer: Some("/models/tokenizer.json".into()),
            rejects: Some("/tmp/rejects.jsonl".into()),
            exclude_dataset: vec!["/home/me/evaluation".into()],
            contamination: vec!["/home/me/cases.jsonl".into()],
            ..Options::default()
        };
        let shared = options.without_paths();
        assert_eq!(shared.include_path, [PathBuf::from("lib"), "../lib".into()]);
        assert_eq!(shared.tokenizer, Some("tokenizer.json".into()));
        assert_eq!(shared.rejects, None);
        assert!(shared.exclude_dataset.is_empty() && shared.contamination.is_empty());
    }

    #[test]
    fn each_flag_is_a_parameter_and_recorded() {
        let command = <Options as clap::Args>::augment_args(clap::Command::new("fimd"));
        let mut flags: Vec<_> = command
            .get_arguments()
            .filter_map(|arg| Some(arg.get_long()?.replace('-', "_")))
            .collect();
        flags.sort();
        let recorded = serde_json::to_value(Options::default()).unwrap();
        let mut fields: Vec<_> = recorded.as_object().unwrap().keys().cloned().collect();
        fields.sort();
        assert_eq!(flags, fields);
        let read: Options = serde_json::from_value(recorded).unwrap();
        assert_eq!(read, Options::default());
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "one table of cases")]
    fn nonsense_options_are_named() {
        let of = |change: fn(&mut Options)| {
            let mut options = Options::default();
            change(&mut options);
            options.check().unwrap_err().of_flag()
        };
        for (message, start) in [
            (
                of(|o| o.max_total_chars = 11),
                "--max-total-chars: expected at least 12",
            ),
            (
                of(|o| o.max_middle_lines = 0),
                "--max-middle-lines: expected at least 1",
            ),
            (
                of(|o| o.min_middle_chars = Some(0)),
                "--min-middle-chars: expected at least 1",
            ),
            (of(|o| o.unfinished = 1.5), "--unfinished: expected 0 to 1"),
            (
                of(|o| o.short_context = f64::NAN),
                "--short-context: expected 0 to 1",
            ),
            (
                of(|o| o.val_split = 1.0),
                "--val-split: expected at least 0",
            ),
            (
                of(|o| o.val_split = f64::NAN),
                "--val-split: expected at least 0",
            ),
            (
                of(|o| o.curriculum_top_pct = 50),
                "--curriculum-top-pct: expected a curriculum",
            ),
            (
                of(|o| o.shard_size = Some(ByteSize(9999))),
                "--shard-size: expected at least 10000 bytes, found 9999",
            ),
            (
                of(|o| {
                    o.partial = true;
                    o.curriculum = true;
                }),
                "--curriculum: expected none with --partial",
            ),
            (
                of(|o| {
                    o.partial = true;
                    o.split_by = SplitUnit::Example;
                }),
                "--split-by: expected file with --partial",
            ),
            (
                of(|o| o.partial = true),
                "--format: expected parquet with --partial",
            ),
            (
                of(|o| o.curriculum_top_pct = 0),
                "--curriculum-top-pct: expected 1 to 100",
            ),
        ] {
            assert!(
                message.starts_with(start) && !message.contains('\n'),
                "{message}"
            );
        }
    }
}
