//! Indentation of an answer: what the cursor's line has already is not repeated, and
//! tabs and spaces are used as in the buffer.

use crate::php::lex::{LexMode, Token, TokenKind, lex_from};
use crate::text::line_start;

/// The columns of a tab.
const TAB: usize = 4;
/// How many times more lines must be indented in one way than in the other.
const MAJORITY: usize = 4;

/// The characters of indentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum IndentStyle {
    /// Spaces only.
    Spaces,
    /// Tabs, and at most three spaces behind them.
    Tabs,
    /// Tabs, and any number of spaces behind them.
    AlignedTabs,
}

/// The indentation at a cursor.
#[derive(Clone, Debug)]
pub(super) struct Indentation {
    style: Option<IndentStyle>,
    /// The columns of one level.
    unit: usize,
    /// The blanks before the cursor, if they are all that its line has there.
    own: String,
    /// The column at which code is expected; none if the line above does not end a
    /// statement, so that its next line may have any indentation.
    expected: Option<usize>,
}

impl Indentation {
    pub(super) fn new(content: &str, cursor: usize) -> Self {
        let before = &content[..cursor];
        let (above, own) = before.split_at(line_start(before, cursor));
        let own = match own.trim().is_empty() {
            true => own,
            false => "",
        };
        let (style, unit) = measure(content, own);
        let last = above.lines().rfind(|line| !line.trim().is_empty());
        let expected = last.and_then(|last| {
            let columns = columns(lead(last), unit);
            let last = last.trim();
            let opens = last.ends_with(['{', '(', '[', ':']);
            let ends =
                last.ends_with([';', '}', ',']) || last.ends_with("*/") || last.ends_with("?>");
            let is_comment = last.starts_with("//") || last.starts_with('#');
            match last {
                "<?php" => Some(0),
                _ if opens && !is_comment => Some(columns + unit),
                _ if ends || is_comment => Some(columns),
                _ => None,
            }
        });
        Self {
            style,
            unit,
            own: own.to_owned(),
            expected,
        }
    }

    /// `text`, the rest of an answer, with its indentation tidied. Its first line
    /// begins inside the cursor's line if `in_line`, and is indented from the start
    /// of the line if `is_absolute`.
    pub(super) fn apply(
        &self,
        text: &str,
        in_line: bool,
        is_absolute: bool,
        is_whole: bool,
    ) -> String {
        let last = &text[line_start(text, text.len())..];
        let is_undecided = !is_whole && last.trim().is_empty();
        let text = match is_undecided && (last.len() < text.len() || !in_line) {
            true => &text[..text.len() - last.len()],
            false => text,
        };
        let tokens = match self.style {
            Some(_) if text.contains('\n') => lex_from(text, 0, LexMode::Code),
            _ => Vec::new(),
        };
        let mut literals = tokens.iter().filter(|token| is_literal(token)).peekable();
        let mut tidied = String::with_capacity(text.len());
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            while literals
                .next_if(|token| token.span.end as usize <= start)
                .is_some()
            {}
            let in_literal = literals
                .peek()
                .is_some_and(|token| (token.span.start as usize) < start);
            let lead = lead(line);
            let rest = &line[lead.len()..];
            if rest.trim().is_empty() || in_literal || (start == 0 && in_line) {
                tidied.push_str(line);
            } else if start == 0 {
                let lead = self.styled(lead);
                tidied.push_str(&self.first_lead(lead, rest, is_absolute));
                tidied.push_str(rest);
            } else {
                tidied.push_str(&self.styled(lead));
                tidied.push_str(rest);
            }
            start += line.len();
        }
        tidied
    }

    /// The indentation `lead` of the first line, whose text is `rest`, without what
    /// stands before the cursor.
    fn first_lead(&self, mut lead: String, rest: &str, is_absolute: bool) -> String {
        if is_absolute && let Some(shorter) = self.without_own(&lead) {
            lead = shorter;
        }
        let own = columns(&self.own, self.unit);
        let goes_on = ["->", "?->", ".", "?", ":", "&&", "||", "+", "-", "*", "="]
            .iter()
            .any(|operator| rest.starts_with(operator));
        while let Some(expected) = self.expected
            && !goes_on
            && own + columns(&lead, self.unit) > expected
            && let Some(shorter) = self.without_own(&lead)
        {
            lead = shorter;
        }
        lead
    }

    /// `lead` without the columns that stand before the cursor, if it has so many.
    fn without_own(&self, lead: &str) -> Option<String> {
        if self.own.is_empty() {
            return None;
        }
        if let Some(rest) = lead.strip_prefix(&*self.own) {
            return Some(rest.to_owned());
        }
        let (has, own) = (columns(lead, self.unit), columns(&self.own, self.unit));
        let rest = has.checked_sub(own).filter(|_| own > 0)?;
        self.style.map(|style| self.spelled(rest, style))
    }

    /// `lead` in the style of the buffer.
    fn styled(&self, lead: &str) -> String {
        let is_foreign = match self.style {
            None => false,
            Some(IndentStyle::Spaces) => lead.contains('\t'),
            Some(IndentStyle::Tabs) => lead.contains(' '),
            Some(IndentStyle::AlignedTabs) => lead.starts_with(' '),
        };
        match self.style {
            Some(style) if is_foreign => self.spelled(columns(lead, self.unit), style),
            _ => lead.to_owned(),
        }
    }

    fn spelled(&self, columns: usize, style: IndentStyle) -> String {
        match style {
            IndentStyle::Spaces => " ".repeat(columns),
            IndentStyle::Tabs | IndentStyle::AlignedTabs => {
                "\t".repeat(columns / self.unit) + &" ".repeat(columns % self.unit)
            }
        }
    }
}

/// How `content` is indented, and the columns of one level. `own` is the indentation
/// at the cursor.
fn measure(content: &str, own: &str) -> (Option<IndentStyle>, usize) {
    let (mut tabs, mut spaces, mut aligned) = (0_usize, 0_usize, false);
    let mut steps = [0_usize; 9];
    let mut last = 0;
    for line in content.lines() {
        let (lead, rest) = line.split_at(lead(line).len());
        if rest.is_empty() {
            continue;
        }
        if lead.starts_with('\t') {
            tabs += 1;
            aligned |= lead.ends_with("  ");
        } else if lead.len() >= 2 && !rest.starts_with('*') {
            spaces += 1;
            if let Some(steps) = lead
                .len()
                .checked_sub(last)
                .and_then(|step| steps.get_mut(step))
            {
                *steps += 1;
            }
        }
        if !rest.starts_with('*') {
            last = lead.len();
        }
    }
    if tabs + spaces == 0 && !own.is_empty() {
        tabs = own.bytes().filter(|byte| *byte == b'\t').count();
        spaces = own.len() - tabs;
    }
    let unit = [4, 2, 8, 3]
        .into_iter()
        .rev()
        .max_by_key(|step| steps[*step])
        .filter(|step| steps[*step] > 0)
        .unwrap_or(TAB);
    if tabs > spaces * MAJORITY {
        let style = match aligned {
            true => IndentStyle::AlignedTabs,
            false => IndentStyle::Tabs,
        };
        (Some(style), TAB)
    } else if spaces > tabs * MAJORITY {
        (Some(IndentStyle::Spaces), unit)
    } else {
        (None, TAB)
    }
}

/// The blanks at the start of `line`.
fn lead(line: &str) -> &str {
    &line[..line.len() - line.trim_start_matches(is_blank).len()]
}

/// The columns of `lead`, with `tab` columns for a tab.
fn columns(lead: &str, tab: usize) -> usize {
    lead.bytes().fold(0, |at, byte| match byte {
        b'\t' => at + tab - at % tab,
        _ => at + 1,
    })
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

fn is_literal(token: &Token) -> bool {
    matches!(
        token.kind,
        TokenKind::String | TokenKind::Template | TokenKind::Html
    )
}
