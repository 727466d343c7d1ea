//! Writes the dataset card, a `README.md`. Its front matter tells Hugging Face's loaders
//! which files belong to which split and what their columns are. Its text describes the
//! dataset for people.
//!
//! The card names no path of the machine: readers elsewhere could not use it.

use std::fmt::{self, Write};
use std::io;

use serde_json::Value;

use crate::dataset::duplicates::{
    AROUND_TOKENS, DISTINCTIVE, DISTINCTIVE_BYTES, GIVEN_AWAY, SHORT_MIDDLE,
};
use crate::dataset::options::Options;
use crate::dataset::report::Report;
use crate::dataset::split::{Split, UnseenCounts};
use crate::dataset::write::columns::{Column, ColumnKind, columns};
use crate::model::{ContextStyle, FimFormat};

/// The card of the dataset with these files, given by split and name.
pub(super) fn text(report: &Report, files: &[(Split, String)]) -> io::Result<String> {
    let options = changed(&report.options)?;
    with_columns(report, files, &columns()?, &options).map_err(io::Error::other)
}

fn with_columns(
    report: &Report,
    files: &[(Split, String)],
    columns: &[Column],
    options: &[(String, String)],
) -> Result<String, fmt::Error> {
    let mut card = String::new();
    front_matter(&mut card, report, files, columns)?;
    body(&mut card, report, columns, options)?;
    Ok(card)
}

/// The splits that have examples, with the loaders' names and the numbers of examples.
/// Loaders cannot load a split without examples.
fn splits(report: &Report) -> impl Iterator<Item = (Split, &'static str, usize)> {
    [
        (Split::Train, "train", report.counts.train),
        (Split::Validation, "validation", report.counts.val),
    ]
    .into_iter()
    .filter(|(.., examples)| *examples > 0)
}

/// The YAML front matter.
fn front_matter(
    card: &mut String,
    report: &Report,
    files: &[(Split, String)],
    columns: &[Column],
) -> fmt::Result {
    writeln!(card, "---")?;
    writeln!(card, "pretty_name: Fill-in-the-middle examples of PHP code")?;
    writeln!(card, "language:\n- code")?;
    writeln!(card, "task_categories:\n- text-generation")?;
    writeln!(card, "tags:\n- code\n- php\n- fill-in-the-middle\n- fimd")?;
    writeln!(card, "size_categories:\n- {}", size(report.counts.examples))?;
    writeln!(card, "configs:\n- config_name: default\n  data_files:")?;
    for (split, name, _) in splits(report) {
        writeln!(card, "  - split: {name}\n    path:")?;
        for (_, file) in files.iter().filter(|(of, _)| *of == split) {
            writeln!(card, "    - {file}")?;
        }
    }
    writeln!(card, "dataset_info:\n  features:")?;
    for column in columns {
        let key = if column.list { "list" } else { "dtype" };
        writeln!(
            card,
            "  - name: {}\n    {key}: {}",
            column.name,
            dtype(column)
        )?;
    }
    writeln!(card, "---\n")
}

/// Hugging Face's name for the type of the column's values.
fn dtype(column: &Column) -> &'static str {
    match column.kind {
        ColumnKind::Text => "string",
        ColumnKind::Natural => "uint64",
        ColumnKind::Number => "float64",
        ColumnKind::Flag => "bool",
    }
}

/// Hugging Face's size category.
fn size(examples: usize) -> &'static str {
    match examples {
        0..1_000 => "n<1K",
        1_000..10_000 => "1K<n<10K",
        10_000..100_000 => "10K<n<100K",
        100_000..1_000_000 => "100K<n<1M",
        1_000_000..10_000_000 => "1M<n<10M",
        10_000_000..100_000_000 => "10M<n<100M",
        100_000_000..1_000_000_000 => "100M<n<1B",
        _ => "n>1B",
    }
}

/// The text of the card.
fn body(
    card: &mut String,
    report: &Report,
    columns: &[Column],
    options: &[(String, String)],
) -> fmt::Result {
    introduction(card, report)?;
    example(card, report, columns)?;
    writeln!(card, "\n## How it was made\n")?;
    changed_options(card, options)?;
    settings(card, report)?;
    division(card, report)?;
    writeln!(card, "| kind of hole | examples |\n| --- | --- |")?;
    for (kind, examples) in &report.spans {
        writeln!(card, "| `{}` | {examples} |", kind.name())?;
    }
    if !report.rejections.is_empty() {
        writeln!(card, "\n| turned down because | holes |\n| --- | --- |")?;
        for (reason, holes) in &report.rejections {
            writeln!(card, "| `{reason}` | {holes} |")?;
        }
    }
    writeln!(card, "\n`metadata.json` tells the rest.")
}

/// What the dataset is, and how to load it.
fn introduction(card: &mut String, report: &Report) -> fmt::Result {
    let counts = &report.counts;
    writeln!(card, "# Fill-in-the-middle examples of PHP code\n")?;
    writeln!(
        card,
        "{} examples to train on and {} to validate with, cut from {} PHP files by fimd {}. The licence is that of the files.\n",
        counts.train, counts.val, counts.files_used, report.version
    )?;
    if report.partial.is_some() {
        writeln!(
            card,
            "This is one part of a larger dataset, made of {} repositories.\n",
            report.projects.len()
        )?;
    } else if !report.parts.is_empty() {
        let repositories: usize = report.parts.iter().map(|part| part.repositories).sum();
        writeln!(
            card,
            "It is joined from {} parts, made of {repositories} repositories, each of which stands in one part. The examples of a repository stand together: shuffle before training.\n",
            report.parts.len()
        )?;
    }
    writeln!(
        card,
        "```python\nfrom datasets import load_dataset\n\ndataset = load_dataset(\"PATH/TO/THIS/FOLDER\")\n```\n"
    )
}

/// What an example holds, and its columns.
fn example(card: &mut String, report: &Report, columns: &[Column]) -> fmt::Result {
    writeln!(card, "## An example\n")?;
    writeln!(
        card,
        "`text` is the whole training string in the format of the model family. It ends with the family's own end token, `{}`: a trainer must not add another one. `prefix`, `middle` and `suffix` are the file's own text around and in the hole, `context` is text of other files that an editor would have sent along. Offsets are bytes of UTF-8.\n",
        report.tokens.end.trim_start()
    )?;
    writeln!(card, "| column | type |\n| --- | --- |")?;
    for column in columns {
        let list = if column.list { "list of " } else { "" };
        let missing = if column.optional { ", can be null" } else { "" };
        writeln!(
            card,
            "| `{}` | {list}{}{missing} |",
            column.name,
            dtype(column)
        )?;
    }
    Ok(())
}

/// The options that differ from their defaults.
fn changed_options(card: &mut String, options: &[(String, String)]) -> fmt::Result {
    if options.is_empty() {
        return writeln!(card, "With `fimd generate` and no option changed.\n");
    }
    writeln!(
        card,
        "With `fimd generate` and these options, the others as they are by default:\n"
    )?;
    writeln!(card, "| option | value |\n| --- | --- |")?;
    for (name, value) in options {
        writeln!(card, "| `{name}` | {value} |")?;
    }
    writeln!(card)
}

/// The settings with which fimd asks a model that was trained on the dataset.
fn settings(card: &mut String, report: &Report) -> fmt::Result {
    let options = &report.options;
    let budget = options.budget();
    let style = match options.context_style {
        ContextStyle::Comment => "comment",
        ContextStyle::Repo => "repo",
    };
    let formats = &report.shapes.formats;
    let order = match formats.contains_key(&FimFormat::Spm) {
        true => FimFormat::Spm,
        false => FimFormat::Psm,
    };
    writeln!(
        card,
        "The text before a middle is, byte for byte, what fimd asks a model for with these settings, beside the model's family:\n\n```toml\n[completion]\nmax_total_chars = {}\nmax_context_chars = {}\nmax_prefix_chars = {}\nmax_suffix_chars = {}\ncontext_style = \"{style}\"\norder = \"{order}\"\n```\n",
        options.limits().total,
        options.context_budget(),
        budget.prefix,
        budget.suffix,
    )
}

/// How the examples are divided into splits.
fn division(card: &mut String, report: &Report) -> fmt::Result {
    let split = &report.split;
    if split.leaks {
        return writeln!(
            card,
            "The split is by example: text of a file that validates can also be trained on, so the validation loss says little.\n"
        );
    }
    let rule = match report.options.partial {
        true => {
            "The split is by the text of the files: no file gives examples to both parts, nor do equal files of different repositories."
        }
        false => {
            "The split is by file: no file gives examples to both parts, nor do a file and its near duplicate."
        }
    };
    writeln!(
        card,
        "{rule} Of the examples, {:.2} % validate; {:.2} % were asked for.\n",
        100.0 * split.reached,
        100.0 * split.asked
    )?;
    let Some(unseen) = &split.unseen else {
        return Ok(());
    };
    let within = match report.options.partial {
        true => " of its own repository",
        false => "",
    };
    compared(card, unseen, within)
}

/// How many middles of the validation were compared with what is trained on, `within`
/// some of it, by which rule.
fn compared(card: &mut String, unseen: &UnseenCounts, within: &str) -> fmt::Result {
    writeln!(
        card,
        "No middle that validates is given away by what is trained on{within}, contexts included. What gives a middle away depends on its length:\n\n| middle | given away by | examples |\n| --- | --- | --- |"
    )?;
    for (middle, by, examples) in [
        (
            format!("{SHORT_MIDDLE} tokens or more"),
            format!("{GIVEN_AWAY} % of its runs of three tokens, in a place half as long again"),
            unseen.long,
        ),
        (
            format!(
                "shorter, with {DISTINCTIVE} names or literals of {DISTINCTIVE_BYTES} bytes or more"
            ),
            "all its tokens in a row".into(),
            unseen.telling,
        ),
        (
            "any other".into(),
            format!(
                "all its tokens in a row, between the same {AROUND_TOKENS} tokens on each side"
            ),
            unseen.in_place,
        ),
        (
            format!("fewer than {SHORT_MIDDLE} tokens with what is around it"),
            "nothing".into(),
            unseen.exempt,
        ),
    ] {
        writeln!(card, "| {middle} | {by} | {examples} |")?;
    }
    writeln!(
        card,
        "\nA token is a word or another character that is not white space. Of the {} in the third line, {} stand in what is trained on with other code around them.\n",
        unseen.in_place, unseen.in_place_elsewhere
    )
}

/// The options that differ from their defaults, as flags and values.
fn changed(options: &Options) -> io::Result<Vec<(String, String)>> {
    let fields = |options: &Options| match serde_json::to_value(options)? {
        Value::Object(fields) => Ok(fields),
        other => Err(io::Error::other(format!("options are no object: {other}"))),
    };
    let default = fields(&Options::default())?;
    let changed = fields(options)?.into_iter().filter_map(|(name, value)| {
        let flag = format!("--{}", name.replace('_', "-"));
        (default.get(&name) != Some(&value)).then(|| (flag, shown(&value)))
    });
    Ok(changed.collect())
}

/// The value of an option as a table cell. A text with a slash is a path, which the card
/// does not name.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) if text.contains(['/', '\\']) => "(a path)".into(),
        Value::String(text) => text.replace('|', "\\|").replace(['\n', '\r'], " "),
        Value::Array(values) => values.iter().map(shown).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::files::{DataFile, Shard};
    use super::*;
    use crate::dataset::SpanKind;
    use crate::dataset::format::FileFormat;
    use crate::model::Families;

    #[test]
    #[expect(clippy::too_many_lines, reason = "one table of cases")]
    fn the_card_tells_loaders_and_people_and_names_no_path() {
        let mut report = {
            let options = Options {
                format: FileFormat::Parquet,
                include_path: vec!["/home/me/lib".into(), "lib".into()],
                cross_file_context: true,
                ..Options::default()
            };
            let model = options.model(&Families::default(), std::fs::read).unwrap();
            Report::new(&options, &model)
        };
        report.version = "VERSION".into();
        report.counts.train = 1100;
        report.counts.examples = 1100;
        report.counts.files_used = 20;
        let shard = |index| DataFile {
            split: Split::Train,
            shard: Some(Shard { index, of: 2 }),
            format: FileFormat::Parquet,
        };
        let val = DataFile {
            split: Split::Validation,
            shard: None,
            format: FileFormat::Parquet,
        };
        let column = |name: &str, kind, list, optional| Column {
            name: name.into(),
            kind,
            list,
            optional,
        };
        let columns = [
            column("text", ColumnKind::Text, false, false),
            column("start_byte", ColumnKind::Natural, false, false),
            column("scores", ColumnKind::Number, true, true),
        ];
        report.spans.insert(SpanKind::LineRest, 1100);
        report.reject("quality", 7);
        report.split.reached = 0.095;
        report.split.unseen = Some(UnseenCounts {
            long: 60,
            telling: 30,
            in_place: 20,
            in_place_elsewhere: 7,
            exempt: 1,
        });
        let options = changed(&report.options).unwrap();
        let files = [shard(0), shard(1), val].map(|file| (file.split, file.name()));
        insta::assert_snapshot!(with_columns(&report, &files, &columns, &options).unwrap(), @r#"
        ---
        pretty_name: Fill-in-the-middle examples of PHP code
        language:
        - code
        task_categories:
        - text-generation
        tags:
        - code
        - php
        - fill-in-the-middle
        - fimd
        size_categories:
        - 1K<n<10K
        configs:
        - config_name: default
          data_files:
          - split: train
            path:
            - train-00000-of-00002.parquet
            - train-00001-of-00002.parquet
        dataset_info:
          features:
          - name: text
            dtype: string
          - name: start_byte
            dtype: uint64
          - name: scores
            list: float64
        ---

        # Fill-in-the-middle examples of PHP code

        1100 examples to train on and 0 to validate with, cut from 20 PHP files by fimd VERSION. The licence is that of the files.

        ```python
        from datasets import load_dataset

        dataset = load_dataset("PATH/TO/THIS/FOLDER")
        ```

        ## An example

        `text` is the whole training string in the format of the model family. It ends with the family's own end token, `<|endoftext|>`: a trainer must not add another one. `prefix`, `middle` and `suffix` are the file's own text around and in the hole, `context` is text of other files that an editor would have sent along. Offsets are bytes of UTF-8.

        | column | type |
        | --- | --- |
        | `text` | string |
        | `start_byte` | uint64 |
        | `scores` | list of float64, can be null |

        ## How it was made

        With `fimd generate` and these options, the others as they are by default:

        | option | value |
        | --- | --- |
        | `--cross-file-context` | true |
        | `--format` | parquet |
        | `--include-path` | lib, lib |

        The text before a middle is, byte for byte, what fimd asks a model for with these settings, beside the model's family:

        ```toml
        [completion]
        max_total_chars = 8192
        max_context_chars = 4096
        max_prefix_chars = 1728
        max_suffix_chars = 320
        context_style = "comment"
        order = "psm"
        ```

        The split is by file: no file gives examples to both parts, nor do a file and its near duplicate. Of the examples, 9.50 % validate; 10.00 % were asked for.

        No middle that validates is given away by what is trained on, contexts included. What gives a middle away depends on its length:

        | middle | given away by | examples |
        | --- | --- | --- |
        | 12 tokens or more | 80 % of its runs of three tokens, in a place half as long again | 60 |
        | shorter, with 3 names or literals of 4 bytes or more | all its tokens in a row | 30 |
        | any other | all its tokens in a row, between the same 8 tokens on each side | 20 |
        | fewer than 12 tokens with what is around it | nothing | 1 |

        A token is a word or another character that is not white space. Of the 20 in the third line, 7 stand in what is trained on with other code around them.

        | kind of hole | examples |
        | --- | --- |
        | `line_rest` | 1100 |

        | turned down because | holes |
        | --- | --- |
        | `quality` | 7 |

        `metadata.json` tells the rest.
        "#);
    }
}
