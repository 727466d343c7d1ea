//! The families' training formats. Every marker is one token of the family's
//! tokenizer, so the strings here are exact to the space.

use serde::{Deserialize, Serialize};

/// A family of base models that share their fill-in-the-middle tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
pub enum Family {
    /// Qwen2.5-Coder, also Qwen3-Coder.
    #[default]
    #[value(name = "qwen2.5-coder")]
    #[serde(rename = "qwen2.5-coder")]
    Qwen25Coder,
    /// Granite code models before Granite 4.
    #[value(name = "granite-code")]
    #[serde(rename = "granite-code")]
    GraniteCode,
    /// Code Llama.
    #[value(name = "codellama")]
    #[serde(rename = "codellama")]
    CodeLlama,
    /// StarCoder.
    #[value(name = "starcoder")]
    #[serde(rename = "starcoder")]
    StarCoder,
}

/// A family's tokens, with the spaces that belong to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Tokens {
    /// Before the prefix.
    pub prefix: &'static str,
    /// Between prefix and suffix.
    pub suffix: &'static str,
    /// Between suffix and middle.
    pub middle: &'static str,
    /// After the middle.
    pub end: &'static str,
    /// What the tokenizer would take for a control token wherever it stands.
    #[serde(skip)]
    special: &'static [&'static str],
}

impl Family {
    /// The family's tokens.
    #[must_use]
    pub fn tokens(self) -> Tokens {
        match self {
            Self::Qwen25Coder => Tokens {
                prefix: "<|fim_prefix|>",
                suffix: "<|fim_suffix|>",
                middle: "<|fim_middle|>",
                end: "<|endoftext|>",
                special: &[
                    "<|fim_prefix|>",
                    "<|fim_suffix|>",
                    "<|fim_middle|>",
                    "<|fim_pad|>",
                    "<|endoftext|>",
                    "<|repo_name|>",
                    "<|file_sep|>",
                    "<|im_start|>",
                    "<|im_end|>",
                ],
            },
            Self::GraniteCode | Self::StarCoder => Tokens {
                prefix: "<fim_prefix>",
                suffix: "<fim_suffix>",
                middle: "<fim_middle>",
                end: "<|endoftext|>",
                special: &[
                    "<fim_prefix>",
                    "<fim_suffix>",
                    "<fim_middle>",
                    "<fim_pad>",
                    "<|endoftext|>",
                    "<reponame>",
                    "<filename>",
                    "<gh_stars>",
                ],
            },
            Self::CodeLlama => Tokens {
                prefix: "<PRE> ",
                suffix: " <SUF>",
                middle: " <MID>",
                end: " <EOT>",
                special: &["<PRE>", "<SUF>", "<MID>", "<EOT>"],
            },
        }
    }
}

impl Tokens {
    /// The training string: prefix, suffix, middle, in that order, with the
    /// cross-file context ahead of the prefix.
    #[must_use]
    pub fn render(&self, context: &str, prefix: &str, middle: &str, suffix: &str) -> String {
        [
            self.prefix,
            context,
            prefix,
            self.suffix,
            suffix,
            self.middle,
            middle,
            self.end,
        ]
        .concat()
    }

    /// Whether `text` spells one of the family's control tokens itself. Such a
    /// text would teach the model a false structure.
    #[must_use]
    pub fn occur_in(&self, text: &str) -> bool {
        memchr::memchr(b'<', text.as_bytes()).is_some_and(|first| {
            self.special.iter().any(|token| {
                memchr::memmem::find(&text.as_bytes()[first..], token.as_bytes()).is_some()
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum;

    #[test]
    fn each_family_has_its_format() {
        let rendered: Vec<_> = Family::value_variants()
            .iter()
            .map(|family| {
                let name = family.to_possible_value().unwrap().get_name().to_owned();
                let text = family.tokens().render("C\n", "P", "M", "S");
                format!("{name}: {text:?}")
            })
            .collect();
        insta::assert_snapshot!(rendered.join("\n"), @r#"
        qwen2.5-coder: "<|fim_prefix|>C\nP<|fim_suffix|>S<|fim_middle|>M<|endoftext|>"
        granite-code: "<fim_prefix>C\nP<fim_suffix>S<fim_middle>M<|endoftext|>"
        codellama: "<PRE> C\nP <SUF>S <MID>M <EOT>"
        starcoder: "<fim_prefix>C\nP<fim_suffix>S<fim_middle>M<|endoftext|>"
        "#);
    }

    #[test]
    fn a_source_that_spells_a_token_is_noticed() {
        let tokens = Family::Qwen25Coder.tokens();
        assert!(tokens.occur_in("$a < 1; echo '<|fim_pad|>';"));
        assert!(!tokens.occur_in("$a < 1; echo '<fim_prefix>';"));
        assert!(Family::CodeLlama.tokens().occur_in("<PRE>"));
        assert!(!Family::CodeLlama.tokens().occur_in("<pre>"));
    }
}
