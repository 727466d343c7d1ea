//! The built-in families, each as its makers document it.

use super::family::{DEFAULT_FAMILY, Family, FimFormat, PartOrder, RepoLayout};

impl Default for Family {
    /// [`DEFAULT_FAMILY`].
    fn default() -> Self {
        qwen()
    }
}

/// A family that has the prefix first and no layout for repositories.
fn family(name: &str, tokens: [&str; 4], special: &[&str]) -> Family {
    let [prefix, suffix, middle, end] = tokens.map(str::to_owned);
    Family {
        name: name.to_owned(),
        order: PartOrder::PrefixFirst,
        prefix,
        suffix,
        middle,
        end,
        stops: Vec::new(),
        special: owned(special),
        repo: None,
        trained_on: vec![FimFormat::Psm],
        source: String::new(),
    }
}

impl Family {
    fn stops(mut self, stops: &[&str]) -> Self {
        self.stops = owned(stops);
        self
    }

    fn suffix_first(mut self) -> Self {
        self.order = PartOrder::SuffixFirst;
        self.trained_on = vec![FimFormat::Spm];
        self
    }

    /// Its models were trained on both orders.
    fn both_orders(mut self) -> Self {
        self.trained_on = vec![FimFormat::Psm, FimFormat::Spm];
        self
    }

    /// Names where the orders are documented that its models were trained on.
    fn source(mut self, source: &str) -> Self {
        source.clone_into(&mut self.source);
        self
    }

    /// Adds a layout with the files before the first control token.
    fn repo(mut self, head: &str, file: &str, current: &str) -> Self {
        self.repo = Some(RepoLayout {
            head: head.to_owned(),
            file: file.to_owned(),
            current: current.to_owned(),
            ..RepoLayout::default()
        });
        self
    }

    /// Adds a layout with the files at the start of the prefix.
    fn repo_in_prefix(mut self, file: &str, current: &str) -> Self {
        self = self.repo("", file, current);
        if let Some(repo) = &mut self.repo {
            repo.in_prefix = true;
        }
        self
    }

    /// Puts the path of the file between the prefix token and the prefix.
    fn path_in_prefix(mut self) -> Self {
        if let Some(repo) = &mut self.repo {
            repo.before_prefix = "{path}\n".to_owned();
        }
        self
    }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// The control tokens of Qwen, which other families use too.
const PIPED: [&str; 3] = ["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"];

/// Qwen2.5-Coder and Qwen3-Coder.
pub(super) fn qwen() -> Family {
    let [prefix, suffix, middle] = PIPED;
    family(
        DEFAULT_FAMILY,
        [prefix, suffix, middle, "<|endoftext|>"],
        &["<|im_start|>"],
    )
    .stops(&["<|fim_pad|>", "<|repo_name|>", "<|file_sep|>", "<|im_end|>"])
    .repo(
        "<|repo_name|>{repo}\n",
        "<|file_sep|>{path}\n{code}",
        "<|file_sep|>{path}\n",
    )
    .source("arXiv:2409.12186")
}

/// All built-in families; the first is the default.
#[allow(clippy::too_many_lines, reason = "a table of families")]
pub(super) fn families() -> Vec<Family> {
    let plain = ["<fim_prefix>", "<fim_suffix>", "<fim_middle>"];
    let with = |[prefix, suffix, middle]: [&'static str; 3], end| [prefix, suffix, middle, end];
    vec![
        qwen(),
        // The models before Granite 4. `<reponame>` exists, its use is not documented.
        family(
            "granite-code",
            with(plain, "<|endoftext|>"),
            &["<fim_pad>", "<reponame>", "<filename>", "<gh_stars>"],
        )
        .both_orders()
        .source("arXiv:2405.04324"),
        // The vocabulary holds these tokens with the space before them.
        family("codellama", ["<PRE> ", " <SUF>", " <MID>", " <EOT>"], &[])
            .both_orders()
            .source("arXiv:2308.12950"),
        // `<reponame>` and `<filename>` are metadata of one file.
        family(
            "starcoder",
            with(plain, "<|endoftext|>"),
            &["<fim_pad>", "<reponame>", "<filename>", "<gh_stars>"],
        )
        .both_orders()
        .source("arXiv:2305.06161"),
        family(
            "starcoder2",
            with(plain, "<|endoftext|>"),
            &["<fim_pad>", "<repo_name>"],
        )
        .stops(&["<file_sep>"])
        .repo(
            "<repo_name>{repo}",
            "<file_sep>{path}\n{code}",
            "<file_sep>",
        )
        .path_in_prefix()
        .source("arXiv:2402.19173"),
        family(
            "granite-4",
            with(PIPED, "<|end_of_text|>"),
            &["<|fim_pad|>"],
        )
        .source("model card of Granite 4.0"),
        // Fullwidth bars U+FF5C, and U+2581 for spaces.
        family(
            "deepseek-coder",
            [
                "<\u{ff5c}fim\u{2581}begin\u{ff5c}>",
                "<\u{ff5c}fim\u{2581}hole\u{ff5c}>",
                "<\u{ff5c}fim\u{2581}end\u{ff5c}>",
                "<\u{ff5c}end\u{2581}of\u{2581}sentence\u{ff5c}>",
            ],
            &["<\u{ff5c}begin\u{2581}of\u{2581}sentence\u{ff5c}>"],
        )
        .repo_in_prefix("#{path}\n{code}", "#{path}\n")
        .source("arXiv:2401.14196"),
        // The separator has no room for a path, so the path stays in a comment. The models
        // were trained on suffix first, too, but how its tokens stand is not documented.
        family("codegemma", with(PIPED, "<|file_separator|>"), &["<bos>"])
            .stops(&["<eos>"])
            .repo("", "// --- {path} ---\n{code}<|file_separator|>", "")
            .source("arXiv:2406.11409, which shows no layout for suffix first"),
        family(
            "codestral",
            ["[PREFIX]", "[SUFFIX]", "", "</s>"],
            &["<s>", "[MIDDLE]"],
        )
        .suffix_first()
        .repo_in_prefix("+++++ {path}\n{code}\n", "+++++ {path}\n")
        .source("mistral-common"),
        family(
            "seed-coder",
            [
                "<[fim-prefix]>",
                "<[fim-suffix]>",
                "<[fim-middle]>",
                "<[end\u{2581}of\u{2581}sentence]>",
            ],
            &["<[begin\u{2581}of\u{2581}sentence]>"],
        )
        .suffix_first()
        .source("arXiv:2506.03524"),
        family(
            "glm-4.5",
            [
                "<|code_prefix|>",
                "<|code_suffix|>",
                "<|code_middle|>",
                "<|endoftext|>",
            ],
            &[],
        )
        .source("tokenizer of GLM-4.5"),
        family(
            "mellum",
            with(plain, "<|endoftext|>"),
            &["<fim_pad>", "<reponame>", "<filename>"],
        )
        .suffix_first()
        .repo(
            "<reponame>{repo}",
            "<filename>{path}\n{code}",
            "<filename>{path}\n",
        )
        .source("model card of Mellum-4b-base"),
    ]
}
