//! FIM tags: `[[[100; stop("END")]]]`.

use super::fault::{Fault, Note, NoteKind};
use super::function::{Arg, TagFunction, decimal};
use super::parser::{CLOSE, Parsed, TagParser};

/// The most tokens that a tag may ask for; larger numbers are lowered to it.
const MAX_TOKENS: u32 = 16_384;

/// A tag that a model replaces by generated text.
#[derive(Clone, Debug, PartialEq)]
pub struct Fim {
    /// The most tokens to generate.
    pub max_tokens: u32,
    /// Its function calls, in order.
    pub calls: Vec<FunctionCall>,
    /// Notes on it.
    pub notes: Vec<Note>,
}

/// A function call in a FIM tag. The function accepts the number and the types of
/// the arguments.
#[derive(Clone, Debug, PartialEq)]
pub struct FunctionCall {
    /// The function.
    pub function: TagFunction,
    /// Its arguments.
    pub args: Vec<Arg>,
}

impl TagParser<'_> {
    /// Reads a FIM tag, from its digits.
    pub(super) fn fim(&mut self) -> Parsed<Fim> {
        let max_tokens = self.max_tokens()?;
        let mut calls = Vec::new();
        loop {
            self.skip_space();
            if self.eat(CLOSE) {
                break;
            }
            if !self.eat(";") {
                return Err(self.expected("`;` or `]]]`", "put `;` between statements"));
            }
            self.skip_space();
            if self.eat(CLOSE) {
                break;
            }
            calls.push(self.call()?);
        }
        Ok(Fim {
            max_tokens,
            calls,
            notes: self.take_notes(),
        })
    }

    fn max_tokens(&mut self) -> Parsed<u32> {
        let at = self.at();
        let asked = self.integer()?;
        let clamped = u32::try_from(asked).map_or(MAX_TOKENS, |n| n.min(MAX_TOKENS));
        if u64::from(clamped) < asked {
            let message = format!("{asked} tokens are more than {MAX_TOKENS}, which is used");
            self.note(NoteKind::Warning, at, message);
        }
        if asked == 0 {
            self.note(NoteKind::Warning, at, "0 tokens: nothing will come".into());
        }
        Ok(clamped)
    }

    /// Reads a function call, which may have a label before it.
    fn call(&mut self) -> Parsed<FunctionCall> {
        let mut at = self.at();
        let mut name = self.word();
        let label = ["before", "after", "post"].contains(&name);
        if label {
            self.skip_space();
        }
        if label && self.eat(":") {
            let message = format!("`{name}:` before a function, which acts when it always does");
            self.note(NoteKind::Extension, at, message);
            self.skip_space();
            at = self.at();
            name = self.word();
        }
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            self.rewind(at);
            let hint = match self.peek() {
                Some('0'..='9') => "the number of tokens stands first, and once",
                Some(';') => "leave out one `;`",
                _ => "functions are stop, chop, temp, top_p and append",
            };
            return Err(self.expected("a function", hint));
        }
        let Some((function, extension)) = TagFunction::named(name) else {
            return Err(Fault {
                message: format!("unknown function {name}"),
                at,
                hint: "functions are stop, chop, temp, top_p and append",
            });
        };
        if extension {
            let message = match name == function.name() {
                true => format!("{name}()"),
                false => format!("{name}() for {}()", function.name()),
            };
            self.note(NoteKind::Extension, at, message);
        }
        let (args, places) = self.args()?;
        if let Some((place, message)) = function.objection(&args) {
            return Err(Fault {
                message,
                at: places.get(place).copied().unwrap_or(at),
                hint: function.help(),
            });
        }
        Ok(FunctionCall { function, args })
    }

    /// Reads arguments in parentheses. Returns them and their positions.
    fn args(&mut self) -> Parsed<(Vec<Arg>, Vec<usize>)> {
        let (mut args, mut places) = (Vec::new(), Vec::new());
        self.skip_space();
        if !self.eat("(") {
            return Err(self.expected("`(`", "a function has its arguments in parentheses"));
        }
        self.skip_space();
        if self.eat(")") {
            return Ok((args, places));
        }
        loop {
            places.push(self.at());
            args.push(self.arg()?);
            self.skip_space();
            if self.eat(")") {
                return Ok((args, places));
            }
            if !self.eat(",") {
                return Err(self.expected("`,` or `)`", "put `,` between arguments"));
            }
            self.skip_space();
        }
    }

    fn arg(&mut self) -> Parsed<Arg> {
        match self.peek() {
            Some('"' | '\'') => self.string().map(Arg::Text),
            Some('0'..='9') => self.number(),
            Some('a'..='z' | 'A'..='Z' | '_') => Ok(Arg::Name(self.word().to_owned())),
            _ => Err(self.expected("an argument", "arguments are text in quotes or numbers")),
        }
    }

    /// Reads an integer, or a number with a fraction.
    fn number(&mut self) -> Parsed<Arg> {
        let start = self.at();
        let whole = self.integer()?;
        if !self.eat(".") {
            return Ok(Arg::Integer(whole));
        }
        let fraction = self.word();
        let number = decimal(self.read_since(start)).filter(|_| !fraction.is_empty());
        let number = number.ok_or_else(|| Fault {
            message: format!("{:?} is no number", self.read_since(start)),
            at: start,
            hint: "write it like 0.8",
        })?;
        self.note(NoteKind::Extension, start, "a bare decimal number".into());
        Ok(Arg::Decimal(number))
    }
}
