//! Finds secrets in source text and replaces them by placeholders. Secrets are
//! keys and tokens of known issuers, private keys, passwords in URLs and
//! connection strings, values that look like a secret and have a name such as
//! `password`, strings in places that take a secret, such as the third argument of
//! `new PDO`, and literals that only a machine can have made.
//!
//! [`Secrets::find`] runs one automaton over the text. The automaton knows all
//! prefixes and names, and the rules examine only what it hits. Each rule reads
//! a bounded number of bytes or stops where the next hit may begin, so the time
//! is linear in the length of the text.
//!
//! # What decides about a secret
//! Whether some bytes are a secret depends on the bytes themselves, on one byte
//! behind them and on a few bytes in front of them: the two bytes in front of a
//! token; name, operator and quote in front of a named value (at most 256
//! bytes); the quotes around a literal; name and arguments in front of an argument;
//! `BEGIN` and `END` of a private key; scheme and user of a URL.
//! Cutting a window out of a text and redacting it therefore gives the same as
//! redacting the text and cutting the window, unless an edge of the window lies
//! in a secret or in those bytes in front of it. Code that cuts windows finds
//! the secrets of the whole text once and maps them onto each window with
//! [`replace`]. [`cut`] tells whether an edge goes through a secret.
//!
//! # Placeholders
//! A placeholder is `REDACTED_`, the kind in capitals, `_` and four hex digits
//! of a keyed BLAKE3 hash of the secret: `REDACTED_GITHUB_TOKEN_1a2b`. Equal
//! secrets of the same kind have equal placeholders. A placeholder reveals 16
//! bits of its secret and no more: of a list of ten million passwords some 150
//! share it. A placeholder is a word, so it ends no string and no comment where
//! it stands. No rule takes it for a secret, so redacting a text twice gives the
//! same as redacting it once.
//!
//! # Limits
//! The rules do not find secrets that are put together from several literals, that
//! are encoded by something else than the functions in `literals`, or whose only mark
//! is that they are hex digits.

mod anchors;
mod calls;
mod judge;
mod literals;
mod look;
mod named;
mod placeholder;
mod rules;
mod secret;
mod spelling;
mod stand_ins;
mod takers;
#[cfg(test)]
mod tests;
mod tokens;

use std::borrow::Cow;
use std::cmp::Reverse;
use std::ops::Range;

use aho_corasick::BuildError;
use serde::{Deserialize, Serialize};

pub use self::placeholder::{cut, replace, within};
pub use self::secret::Secret;

use self::anchors::Anchors;
use self::placeholder::PLACEHOLDER_PREFIX;
use self::rules::{FORMS, NAMES};
use self::secret::{PASSWORD, SECRET};
use self::takers::{CALLS, ENTRIES};
use self::tokens::{JWT_BEGIN, PEM_BEGIN, URL_SEPARATOR};

/// Anchors that are neither the prefix of a token nor a part of a name. In the
/// automaton they follow those of [`FORMS`] and precede those of [`CALLS`].
const SPECIAL: [&str; 3] = [PEM_BEGIN, URL_SEPARATOR, JWT_BEGIN];

/// How fimd treats the secrets in a context that an editor asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum InContext {
    /// Placeholders replace them.
    #[default]
    Redact,
    /// They stay as they are.
    Keep,
}

/// The automaton cannot be built from the rules for secrets.
#[derive(Debug, thiserror::Error)]
#[error("the rules for secrets cannot be used: {0}")]
pub struct RulesError(#[from] BuildError);

/// Finds secrets. Build it once and share it.
#[derive(Debug)]
pub struct Secrets {
    /// Finds the prefixes of [`FORMS`], then [`SPECIAL`], the names of [`CALLS`] and
    /// [`ENTRIES`], and [`NAMES`], in either case.
    anchors: Anchors,
}

impl Secrets {
    /// Builds the automaton.
    ///
    /// # Errors
    /// [`RulesError`] if the automaton would be too large.
    pub fn new() -> Result<Self, RulesError> {
        let forms = FORMS.iter().map(|form| form.prefix);
        let calls = CALLS.iter().map(|call| call.name);
        let entries = ENTRIES.iter().map(|entry| entry.name);
        let names = NAMES.iter().copied();
        let anchors = forms
            .chain(SPECIAL)
            .chain(calls)
            .chain(entries)
            .chain(names);
        Ok(Self {
            anchors: Anchors::new(anchors)?,
        })
    }

    /// The secrets of `text` in ascending order. They do not overlap.
    #[must_use]
    pub fn find(&self, text: &str) -> Vec<Secret> {
        let mut found = Vec::new();
        self.anchors.find(text, |anchor, range| {
            examine(text, anchor, range, &mut found);
        });
        let mut found = merge(found);
        // What more than the look tells of a literal decides.
        let mut looks = look::find(text);
        looks.retain(|look| {
            placeholder::within(&found, look.range.clone())
                .next()
                .is_none()
        });
        if !looks.is_empty() {
            found.extend(looks);
            found.sort_by_key(|secret| secret.range.start);
        }
        found.retain(|secret| !text[secret.range.clone()].contains(PLACEHOLDER_PREFIX));
        found
    }

    /// `text` with a placeholder for each secret, and these secrets.
    #[must_use]
    pub fn redact<'t>(&self, text: &'t str) -> (Cow<'t, str>, Vec<Secret>) {
        let secrets = self.find(text);
        (replace(text, 0..text.len(), &secrets), secrets)
    }
}

/// Adds the secrets at `hit`, where the automaton has found the anchor of this number.
fn examine(text: &str, anchor: usize, hit: Range<usize>, found: &mut Vec<Secret>) {
    if let Some(form) = FORMS.get(anchor) {
        found.extend(tokens::token(text, hit, form));
        return;
    }
    let mut anchor = anchor - FORMS.len();
    if let Some(&special) = SPECIAL.get(anchor) {
        match special {
            PEM_BEGIN => tokens::private_key(text, hit, found),
            URL_SEPARATOR => found.extend(tokens::password_of_url(text, hit)),
            _ => found.extend(tokens::json_web_token(text, hit)),
        }
        return;
    }
    anchor -= SPECIAL.len();
    if let Some(call) = CALLS.get(anchor) {
        calls::arguments(text, hit, call, found);
    } else if let Some(entry) = ENTRIES.get(anchor - CALLS.len()) {
        calls::entry(text, hit, entry, found);
    } else {
        found.extend(named::find(text, hit));
    }
}

/// Sorts `found` and joins secrets that overlap. A joined secret has the kind of
/// the one that starts first. If several start together, the longest decides,
/// and among equally long ones a kind of a known form.
fn merge(mut found: Vec<Secret>) -> Vec<Secret> {
    let unnamed = |kind| matches!(kind, PASSWORD | SECRET);
    found.sort_by_key(|s| (s.range.start, Reverse(s.range.end), unnamed(s.kind), s.kind));
    let mut merged: Vec<Secret> = Vec::with_capacity(found.len());
    for secret in found {
        match merged.last_mut() {
            Some(last) if secret.range.start < last.range.end => {
                last.range.end = last.range.end.max(secret.range.end);
            }
            _ => merged.push(secret),
        }
    }
    merged
}
