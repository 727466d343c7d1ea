//! What an answer begins with although it is no code or stands before the cursor
//! already: sentences and a Markdown fence, lines above the cursor, the start of its line, a word
//! begun there.
//!
//! Code may repeat itself: rows of a table, closing braces, calls that have an
//! effect. So a repeated text goes only where a correct answer cannot begin with it.

use std::collections::VecDeque;

use super::enclosing::LexicalState;
use super::ending::FENCE;
use super::prose::without_prose;
use crate::text::line_start;

/// The most lines above the cursor that are compared.
const MAX_LINES: usize = 24;
/// The least letters and digits of a line that says something.
const MIN_DISTINCTIVE: usize = 6;
/// The least bytes of a word in code that counts as begun, and in other text.
const MIN_WORD: (usize, usize) = (2, 3);
/// Words with which statements begin, but no expressions.
const STATEMENT_WORDS: &[&str] = &[
    "abstract",
    "case",
    "catch",
    "class",
    "const",
    "do",
    "echo",
    "else",
    "elseif",
    "enum",
    "extends",
    "final",
    "for",
    "foreach",
    "function",
    "global",
    "if",
    "implements",
    "interface",
    "namespace",
    "private",
    "protected",
    "public",
    "readonly",
    "return",
    "static",
    "switch",
    "throw",
    "trait",
    "try",
    "unset",
    "use",
    "var",
    "while",
    "yield",
];
/// Words with which statements begin that do not stand twice in a row.
const SINGLE_STATEMENT_WORDS: &[&str] = &[
    "abstract",
    "class",
    "const",
    "declare",
    "final",
    "function",
    "global",
    "include_once",
    "interface",
    "namespace",
    "private",
    "protected",
    "public",
    "require_once",
    "return",
    "static",
    "throw",
    "trait",
    "use",
];
/// Parts of the names of functions whose next call gives something else.
const STEPS: &[&str] = &[
    "fetch", "fget", "generate", "next", "pop", "prev", "rand", "read", "scan", "shift", "uniqid",
];

/// The text before a cursor that an answer may repeat.
#[derive(Clone, Debug)]
pub(super) struct Repeats {
    in_code: bool,
    may_be_fenced: bool,
    /// The last lines above the cursor's line, trimmed and without blank ones.
    above: Vec<String>,
    /// The text before the cursor in its line, without indentation.
    own: String,
    /// Whether an answer that begins with `own` repeats it.
    own_is_single: bool,
    /// Whether the buffer has the last line above twice in a row.
    last_is_repeated: bool,
    /// The words and chains of members that end at the cursor, longest first.
    begun: Vec<String>,
    /// The buffer's names that begin with the word before the cursor twice.
    doubled: Vec<String>,
}

/// The rest of an answer behind what it begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Beginning<'a> {
    /// The rest.
    pub(super) rest: &'a str,
    /// Whether a fence was left out.
    pub(super) is_fenced: bool,
    /// Whether whole lines were left out, so that the rest begins a line.
    pub(super) without_lines: bool,
}

/// What is known of the beginning of an answer.
enum RepeatMatch {
    /// This many bytes are to be left out.
    Bytes(usize),
    /// More of the answer is needed.
    Undecided,
    /// Nothing is to be left out.
    Nothing,
}

impl Repeats {
    pub(super) fn new(content: &str, cursor: usize, state: LexicalState) -> Self {
        let before = &content[..cursor];
        let (lines, own) = before.split_at(line_start(before, cursor));
        let own = own.trim_start();
        let mut above = VecDeque::new();
        let not_blank = |line: &&str| !line.is_empty();
        for line in lines.lines().rev().map(str::trim).filter(not_blank) {
            if above.len() == MAX_LINES {
                break;
            }
            above.push_front(line.to_owned());
        }
        let last = above.back().map_or("", String::as_str);
        let mut rows = content.lines().map(str::trim).filter(not_blank);
        let mut was_last = false;
        let last_is_repeated = rows.any(|row| {
            let is_last = row == last;
            std::mem::replace(&mut was_last, is_last) && is_last
        });
        let begun = begun(own, state);
        let doubled = begun.last().map_or_else(Vec::new, |word| {
            let twice = word.repeat(2);
            let names = content.split(|c| !is_name(c));
            let names = names.filter(|name| name.starts_with(&twice));
            names.map(str::to_owned).collect()
        });
        Self {
            in_code: state == LexicalState::Code,
            may_be_fenced: state == LexicalState::Code
                || own.is_empty() && !content.contains(FENCE),
            own: own.to_owned(),
            own_is_single: is_single(own, state),
            last_is_repeated,
            begun,
            doubled,
            above: above.into(),
        }
    }

    /// The rest of `answer` behind what it begins with; none while that is not known.
    pub(super) fn without_beginning<'a>(
        &self,
        answer: &'a str,
        is_whole: bool,
    ) -> Option<Beginning<'a>> {
        let mut beginning = Beginning {
            rest: answer,
            is_fenced: false,
            without_lines: false,
        };
        loop {
            let rest = beginning.rest;
            if self.in_code {
                let code = without_prose(rest, is_whole)?;
                if code.len() < rest.len() {
                    beginning.rest = code;
                    continue;
                }
            }
            match self.fence(rest, is_whole) {
                RepeatMatch::Bytes(bytes) => {
                    beginning.rest = &rest[bytes..];
                    beginning.is_fenced = true;
                    continue;
                }
                RepeatMatch::Undecided => return None,
                RepeatMatch::Nothing => {}
            }
            match self.repeated(rest, is_whole) {
                RepeatMatch::Bytes(bytes) => {
                    beginning.rest = &rest[bytes..];
                    beginning.without_lines = self.own.is_empty();
                }
                RepeatMatch::Undecided => return None,
                RepeatMatch::Nothing => return Some(beginning),
            }
        }
    }

    /// The fence with which `answer` begins, its line included if that has only the
    /// name of a language.
    fn fence(&self, answer: &str, is_whole: bool) -> RepeatMatch {
        let open = |rest: &str| rest.is_empty() && !is_whole;
        let fence = answer.trim_start_matches([' ', '\t', '\n']);
        if !self.may_be_fenced {
            return RepeatMatch::Nothing;
        }
        let rest = fence.trim_start_matches('`');
        if open(rest) {
            return RepeatMatch::Undecided;
        }
        if fence.len() - rest.len() < FENCE.len() {
            return RepeatMatch::Nothing;
        }
        let is_language = |c: char| c.is_alphanumeric() || "_+#.-".contains(c);
        let behind = rest.trim_start_matches(is_language);
        let language = &rest[..rest.len() - behind.len()];
        let line = behind.trim_start_matches([' ', '\t']);
        let rest = match line.strip_prefix('\n') {
            _ if open(line) => return RepeatMatch::Undecided,
            Some(rest) => rest,
            None if line.is_empty() => line,
            None if language == "php" && line.len() < behind.len() => line,
            None => rest,
        };
        RepeatMatch::Bytes(answer.len() - rest.len())
    }

    /// What `answer` repeats of the text before the cursor.
    fn repeated(&self, answer: &str, is_whole: bool) -> RepeatMatch {
        for first in 0..self.above.len() {
            let lines = &self.above[first..];
            if self.is_removable(lines) {
                match self.lines(lines, answer, is_whole) {
                    RepeatMatch::Nothing => {}
                    repeat => return repeat,
                }
            }
        }
        let code = answer.trim_start_matches([' ', '\t']);
        let blanks = answer.len() - code.len();
        if self.own_is_single {
            match starts_with(code, &self.own, is_whole) {
                RepeatMatch::Nothing => {}
                RepeatMatch::Bytes(bytes) => return RepeatMatch::Bytes(blanks + bytes),
                RepeatMatch::Undecided => return RepeatMatch::Undecided,
            }
        }
        for begun in &self.begun {
            match starts_with(answer, begun, is_whole) {
                RepeatMatch::Nothing => {}
                RepeatMatch::Bytes(_) if !is_whole && self.may_be_doubled(answer) => {
                    return RepeatMatch::Undecided;
                }
                RepeatMatch::Bytes(_) if self.is_doubled(answer) => {}
                repeat => return repeat,
            }
        }
        RepeatMatch::Nothing
    }

    /// Whether `answer` begins with `lines` and the start of the cursor's line.
    fn lines(&self, lines: &[String], answer: &str, is_whole: bool) -> RepeatMatch {
        let mut lines = lines.iter();
        let mut expected = lines.next();
        let mut at = 0;
        loop {
            let rest = &answer[at..];
            let code = rest.trim_start_matches([' ', '\t']);
            let newline = code.find('\n');
            let line = code[..newline.unwrap_or(code.len())].trim_end();
            let next = at + (rest.len() - code.len()) + newline.map_or(code.len(), |at| at + 1);
            match (expected, newline) {
                (_, Some(_)) if line.is_empty() => {}
                (_, None) if line.is_empty() => {
                    return match is_whole {
                        true => RepeatMatch::Nothing,
                        false => RepeatMatch::Undecided,
                    };
                }
                (Some(expected), None) if !is_whole && expected.starts_with(line) => {
                    return RepeatMatch::Undecided;
                }
                (Some(expected_line), Some(_)) if expected_line == line => {
                    expected = lines.next();
                }
                (Some(_), _) => return RepeatMatch::Nothing,
                (None, _) if self.own.is_empty() => return RepeatMatch::Bytes(at),
                (None, _) => {
                    return match starts_with(code, &self.own, is_whole) {
                        RepeatMatch::Bytes(bytes) => {
                            RepeatMatch::Bytes(answer.len() - code.len() + bytes)
                        }
                        repeat => repeat,
                    };
                }
            }
            at = next;
        }
    }

    /// Whether an answer that begins with `lines`, the last ones above the cursor,
    /// and with the start of the cursor's line repeats them.
    fn is_removable(&self, lines: &[String]) -> bool {
        let is_row = |line: &String| line.ends_with([',', '}', ')', ']', '[', '(']);
        let says_something = |line: &String| is_distinctive(line);
        match lines {
            _ if !self.own.is_empty() => {
                is_distinctive(&self.own) || lines.iter().any(says_something)
            }
            [line] => !self.last_is_repeated && is_single_line(line),
            [.., last] => {
                let is_equal = lines.iter().all(|line| line == last);
                let is_table = lines.iter().all(is_row);
                !is_equal && !is_table && lines.iter().any(says_something)
            }
            [] => false,
        }
    }

    /// Whether the word before the cursor and the start of `answer` are a name that
    /// the buffer has.
    fn is_doubled(&self, answer: &str) -> bool {
        let Some(word) = self.begun.last() else {
            return false;
        };
        let name = [word, &answer[..name_end(answer)]].concat();
        self.doubled.contains(&name)
    }

    /// Whether that may still turn out.
    fn may_be_doubled(&self, answer: &str) -> bool {
        !self.doubled.is_empty() && name_end(answer) == answer.len()
    }
}

/// Whether `answer` begins with `text`.
fn starts_with(answer: &str, text: &str, is_whole: bool) -> RepeatMatch {
    if answer.starts_with(text) {
        RepeatMatch::Bytes(text.len())
    } else if !is_whole && text.starts_with(answer) {
        RepeatMatch::Undecided
    } else {
        RepeatMatch::Nothing
    }
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn name_end(text: &str) -> usize {
    text.find(|c| !is_name(c)).unwrap_or(text.len())
}

fn first_word(line: &str) -> &str {
    &line[..name_end(line)]
}

fn is_distinctive(line: &str) -> bool {
    line.chars().filter(|c| c.is_alphanumeric()).count() >= MIN_DISTINCTIVE
}

/// Whether `line` does not stand twice in a row in ordinary code.
fn is_single_line(line: &str) -> bool {
    if line.starts_with("<?php") {
        return true;
    }
    if !is_distinctive(line) {
        return false;
    }
    let is_comment = line.starts_with("//") || line.starts_with('#') || line.starts_with('*');
    if is_comment {
        return !line.starts_with("#[");
    }
    if line.ends_with('{') {
        return !line.starts_with('}');
    }
    if SINGLE_STATEMENT_WORDS.contains(&first_word(line)) {
        return true;
    }
    let Some((target, value)) = line.split_once(" = ").filter(|_| line.ends_with(';')) else {
        return false;
    };
    let value = value.to_lowercase();
    let steps = value.contains('(') && STEPS.iter().any(|step| value.contains(step))
        || value.contains("++")
        || value.contains("--");
    let target_is_variable = target.starts_with('$') && !target.contains(['(', ' ', '+']);
    target_is_variable && !target.ends_with("[]") && !steps && !value.contains(target)
}

/// Whether `own`, the start of a line, cannot stand behind itself.
fn is_single(own: &str, state: LexicalState) -> bool {
    let code = own.trim_end();
    let Some(last) = code.chars().next_back() else {
        return false;
    };
    match state {
        LexicalState::Quoted(quote) => code.as_bytes().contains(&quote) && is_name_start(own),
        LexicalState::Text => last.is_alphanumeric() && code.contains(' ') && is_distinctive(code),
        LexicalState::Code => {
            let words = code.chars().filter(|c| is_name(*c)).count();
            let ends_operand = is_name(last) || ")]};'\"".contains(last);
            let ends_chain = ["->", "::"].iter().any(|arrow| code.ends_with(arrow));
            let is_statement = STATEMENT_WORDS.contains(&first_word(code)) && code.contains(' ');
            let is_assignment = code.starts_with('$') && code.contains(" = ")
                || code.starts_with('$') && code.ends_with(" =");
            let has_words = words >= MIN_WORD.0 && !code.starts_with(|c: char| c.is_ascii_digit());
            has_words && (ends_operand && is_name_start(own) || ends_chain)
                || is_statement
                || is_assignment
        }
    }
}

/// Whether code begins with a name or a variable.
fn is_name_start(code: &str) -> bool {
    code.starts_with(|c: char| c.is_alphabetic() || "_$\\".contains(c))
}

/// The word that ends at the end of `own`, and the chains of members that end with
/// it, longest first.
fn begun(own: &str, state: LexicalState) -> Vec<String> {
    const JOINTS: [&str; 4] = ["?->", "->", "::", "\\"];
    let in_code = state == LexicalState::Code;
    let least = match in_code {
        true => MIN_WORD.0,
        false => MIN_WORD.1,
    };
    let mut begun = Vec::new();
    let mut start = own.len();
    loop {
        let before = &own[..start];
        let joint = JOINTS.iter().find(|joint| before.ends_with(**joint));
        let joint = joint.filter(|_| in_code).map_or(0, |joint| joint.len());
        if start < own.len() && joint == 0 {
            break;
        }
        let names = &before[..start - joint];
        let mut first = names.trim_end_matches(is_name).len();
        if in_code && names[..first].ends_with('$') {
            first -= 1;
        }
        if first == names.len() {
            break;
        }
        start = first;
        let text = &own[start..];
        if text.len() >= least && !text.starts_with(|c: char| c.is_ascii_digit()) {
            begun.insert(0, text.to_owned());
        }
    }
    begun
}
