//! The functions of FIM tags and their arguments.

use super::parser::is_space;
use super::ranges::{TEMPERATURE, TOP_P};

/// The functions of FIM tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagFunction {
    /// Ends the text behind the first match of some patterns.
    Stop,
    /// Ends the text before the first match of some patterns.
    Chop,
    /// Sets the temperature.
    Temp,
    /// Sets nucleus sampling: the probability mass from which tokens are drawn.
    TopP,
    /// Adds to the end of the text.
    Append,
    /// Adds to the beginning of the text.
    Prepend,
    /// Keeps soft prefix and suffix tags.
    Keep,
}

/// An argument of a function.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(untagged)]
pub enum Arg {
    /// A string, without its quotes.
    Text(String),
    /// An integer.
    Integer(u64),
    /// A number with a fraction.
    Decimal(f64),
    /// A bare name.
    #[serde(skip)]
    Name(String),
}

impl TagFunction {
    /// All functions.
    pub const ALL: [Self; 7] = [
        Self::Stop,
        Self::Chop,
        Self::Temp,
        Self::TopP,
        Self::Append,
        Self::Prepend,
        Self::Keep,
    ];

    /// Its name in FIMpad's language; for an extension, its first name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Chop => "chop",
            Self::Temp => "temp",
            Self::TopP => "top_p",
            Self::Append => "append",
            Self::Prepend => "prepend",
            Self::Keep => "keep",
        }
    }

    /// A description for the user.
    #[must_use]
    pub fn help(self) -> &'static str {
        match self {
            Self::Stop => "stop(\"…\", …): end the text right after the first of these",
            Self::Chop => "chop(\"…\", …): end the text right before the first of these",
            Self::Temp => "temp(\"0.8\"): the temperature, from 0 to 2",
            Self::TopP => "top_p(\"0.95\"): nucleus sampling, from 0 to 1",
            Self::Append => "append(\"…\"): put this behind the generated text",
            Self::Prepend => "prepend(\"…\"): put this before the generated text",
            Self::Keep => "keep(): leave soft prefix and suffix tags where they are",
        }
    }

    /// The function with this name, and whether the name is an extension of fimd.
    pub(super) fn named(name: &str) -> Option<(Self, bool)> {
        Some(match name {
            "stop" => (Self::Stop, false),
            "chop" => (Self::Chop, false),
            "temp" => (Self::Temp, false),
            "top_p" => (Self::TopP, false),
            "append" => (Self::Append, false),
            "tail" => (Self::Chop, true),
            "temperature" => (Self::Temp, true),
            "prepend" => (Self::Prepend, true),
            "keep" | "keep_tags" => (Self::Keep, true),
            _ => return None,
        })
    }

    /// The fault of `args`, if there is one: the index of the argument, and the
    /// message.
    pub(super) fn objection(self, args: &[Arg]) -> Option<(usize, String)> {
        let name = self.name();
        let wrong = |(at, arg): (usize, &Arg), expected: &str| {
            Some((at, format!("{name}: expected {expected}, found {arg}")))
        };
        let count = match self {
            Self::Stop | Self::Chop => 1..=usize::MAX,
            Self::Temp | Self::TopP | Self::Append | Self::Prepend => 1..=1,
            Self::Keep => 0..=0,
        };
        if !count.contains(&args.len()) {
            let expected = match *count.start() {
                0 => "no argument",
                _ if *count.end() == 1 => "one argument",
                _ => "one argument or more",
            };
            let message = format!("{name}: expected {expected}, found {}", args.len());
            return Some((*count.end(), message));
        }
        let mut numbered = args.iter().enumerate();
        match self {
            Self::Stop | Self::Chop => numbered
                .find(|(_, arg)| !matches!(arg, Arg::Text(text) if !text.is_empty()))
                .and_then(|at| wrong(at, "text in quotes, not empty")),
            Self::Append | Self::Prepend => numbered
                .find(|(_, arg)| !matches!(arg, Arg::Text(_)))
                .and_then(|at| wrong(at, "text in quotes")),
            Self::Temp => numbered
                .find(|(_, arg)| !arg.number().is_some_and(|n| TEMPERATURE.contains(&n)))
                .and_then(|at| wrong(at, "a number from 0 to 2")),
            Self::TopP => numbered
                .find(|(_, arg)| !arg.number().is_some_and(|n| TOP_P.contains(&n)))
                .and_then(|at| wrong(at, "a number from 0 to 1")),
            Self::Keep => None,
        }
    }
}

impl Arg {
    /// The string, if the argument is one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number, bare or in quotes, if the argument is one.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Text(text) => decimal(text.trim_matches(is_space)),
            Self::Integer(number) => Some(*number as f64),
            Self::Decimal(number) => Some(*number),
            Self::Name(_) => None,
        }
    }
}

impl std::fmt::Display for Arg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Decimal(number) => write!(f, "{number}"),
            Self::Name(name) => write!(f, "the name {name}"),
        }
    }
}

/// The number in `text`, if it is written with digits and at most one point.
pub(super) fn decimal(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    plain.then(|| text.parse().ok()).flatten()
}
