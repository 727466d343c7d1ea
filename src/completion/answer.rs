//! From the answer of a model to the text that is shown: streamed, remembered and
//! prefetched answers all take this way.

use super::enclosing::LexicalState;
use super::prose;
use super::syntax::{CompletionExtent, CursorSyntax};
use super::tidy::{AnswerTidier, TidiedAnswer};
use crate::text::LineBreak;

/// Finds what to show of the answers at one cursor.
#[derive(Clone, Debug)]
pub struct AnswerFilter {
    syntax: CursorSyntax,
    tidier: AnswerTidier,
    line_break: LineBreak,
}

/// What to show of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownAnswer {
    /// The text to insert at the cursor, with the line breaks of the buffer; may be
    /// empty.
    pub text: String,
    /// Whether the rest of the stream does not matter.
    pub is_complete: bool,
}

impl AnswerFilter {
    /// The filter for byte `cursor` of `content`, which must be on a character
    /// boundary.
    #[must_use]
    pub fn new(content: &str, cursor: usize) -> Self {
        let syntax = CursorSyntax::new(content, cursor);
        Self {
            tidier: AnswerTidier::new(content, cursor, &syntax),
            line_break: LineBreak::at(content, cursor),
            syntax,
        }
    }

    /// How much of an answer is useful here.
    #[must_use]
    pub fn extent(&self) -> CompletionExtent {
        self.syntax.extent()
    }

    /// Whether `answer` begins like Markdown, so that its first line is no code.
    #[must_use]
    pub fn is_markdown(&self, answer: &str) -> bool {
        self.syntax.state == LexicalState::Code && prose::is_markdown(answer)
    }

    /// What to show of `answer`, which is the start of the stream unless `is_whole`:
    /// at most `max_lines` lines, up to the first of the control tokens `stops`.
    #[must_use]
    pub fn shown(
        &self,
        answer: &str,
        is_whole: bool,
        stops: &[&str],
        max_lines: usize,
    ) -> ShownAnswer {
        let stops = stops.iter().filter(|stop| !stop.is_empty());
        let stop = stops.filter_map(|stop| answer.find(stop)).min();
        let answer = &answer[..stop.unwrap_or(answer.len())];
        let TidiedAnswer { text, is_whole } = self.tidier.tidy(answer, is_whole || stop.is_some());
        let fitted = self.syntax.fit(&text, max_lines);
        ShownAnswer {
            text: self.line_break.apply(fitted.text, None).into_owned(),
            is_complete: is_whole || fitted.is_cut,
        }
    }
}
