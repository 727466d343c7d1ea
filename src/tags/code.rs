//! The code of Markdown documents. Arrays such as `[[[1, 2], [3, 4]]]` in code look
//! like malformed tags, but nobody means them as tags.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag as Markup};

use super::document::Tags;
use super::tag::{Tag, TagKind};

/// The format of a text with tags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TextFormat {
    /// A format without code, or one that fimd does not know.
    #[default]
    Plain,
    /// Markdown.
    Markdown,
}

impl TextFormat {
    /// The format of a file with this name or path: Markdown if it ends with `.md` or
    /// `.markdown`, in any case.
    #[must_use]
    pub fn of_path(path: &str) -> Self {
        let is_markdown = |extension: &str| {
            ["md", "markdown"]
                .iter()
                .any(|known| extension.eq_ignore_ascii_case(known))
        };
        match path.rsplit_once('.') {
            Some((_, extension)) if is_markdown(extension) => Self::Markdown,
            _ => Self::Plain,
        }
    }
}

/// The code of a text: fenced blocks and code spans of Markdown. Indented text is not
/// code here, because people indent tags.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CodeRanges(Vec<Range<usize>>);

impl CodeRanges {
    /// Finds the code of `text`. Takes time in proportion to the text.
    #[must_use]
    pub fn find(text: &str, tags: &Tags, format: TextFormat) -> Self {
        if format == TextFormat::Plain || tags.all().is_empty() {
            return Self::default();
        }
        let code = Parser::new(text)
            .into_offset_iter()
            .filter_map(|(event, range)| match event {
                Event::Code(_) | Event::Start(Markup::CodeBlock(CodeBlockKind::Fenced(_))) => {
                    Some(range)
                }
                _ => None,
            });
        // Backticks in a tag, as in `stop("```")`, begin no code.
        let begins_in_tag = |range: &Range<usize>| {
            tags.at(range.start).is_some_and(|tag| {
                let inside = tag.range.start < range.start && range.start < tag.range.end;
                inside && !matches!(tag.kind, TagKind::Invalid(_))
            })
        };
        Self(code.filter(|range| !begins_in_tag(range)).collect())
    }

    /// Whether `tag` begins in code.
    #[must_use]
    pub fn contains(&self, tag: &Tag) -> bool {
        let at = tag.range.start;
        let after = self.0.partition_point(|range| range.start <= at);
        self.0[..after].last().is_some_and(|range| at < range.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tags of a Markdown text that are in code.
    fn in_code(text: &str) -> Vec<&str> {
        let tags = Tags::parse(text);
        let code = CodeRanges::find(text, &tags, TextFormat::Markdown);
        let tags = tags.all().iter().filter(|tag| code.contains(tag));
        tags.map(|tag| &text[tag.range.clone()]).collect()
    }

    #[test]
    fn fenced_blocks_and_code_spans_are_code() {
        let array = "[[[1, 2], [3, 4]]]";
        for text in [
            "```\n[[[1, 2], [3, 4]]]\n```\n[[[5]]]",
            "~~~python\nm = [[[1, 2], [3, 4]]]\n~~~\n[[[5]]]",
            "- a list\n  - in it\n\n    ````\n    ```\n    [[[1, 2], [3, 4]]]\n    ````\n\n[[[5]]]",
            "> ```\n> [[[1, 2], [3, 4]]]\n> ```\n\n[[[5]]]",
            "a `[[[1, 2], [3, 4]]]` b [[[5]]]",
            "a ``x ` [[[1, 2], [3, 4]]]`` b [[[5]]]",
            "[[[5]]]\n```\nnever closed\n[[[1, 2], [3, 4]]]\n",
        ] {
            assert_eq!(in_code(text), [array], "{text}");
        }
    }

    #[test]
    fn other_text_is_not_code() {
        for text in [
            "[[[1, 2], [3, 4]]]",
            "    [[[5]]]\n",
            "a ` [[[5]]] b",
            r#"[[[5;stop("`")]]] and [[[5;stop("`")]]]"#,
            "[[[5;stop(\"\n```\n\")]]]\n[[[6]]]\n",
            r"\`[[[5]]]\`",
        ] {
            assert_eq!(in_code(text), [""; 0], "{text}");
        }
        let text = "`[[[5]]]`";
        let tags = Tags::parse(text);
        let code = CodeRanges::find(text, &tags, TextFormat::Plain);
        assert!(!code.contains(&tags.all()[0]));
    }

    #[test]
    fn markdown_is_known_by_its_extension() {
        assert_eq!(TextFormat::of_path("/a.b/README.MD"), TextFormat::Markdown);
        assert_eq!(TextFormat::of_path("x.markdown"), TextFormat::Markdown);
        assert_eq!(TextFormat::of_path("md"), TextFormat::Plain);
        assert_eq!(TextFormat::of_path("-"), TextFormat::Plain);
        assert_eq!(TextFormat::of_path("a.md.txt"), TextFormat::Plain);
    }
}
