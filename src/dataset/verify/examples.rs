//! The claims that an example makes by itself, beside its source.

use std::borrow::Cow;

use rayon::prelude::*;

use crate::cancel::{Cancel, Cancelled};
use crate::context::{self, Context};
use crate::dataset::cut::quality;
use crate::dataset::duplicates::{example_key, near_contains};
use crate::dataset::options::{ControlTokenPolicy, Options, SecretPolicy};
use crate::dataset::record::Example;
use crate::dataset::repo::Repo;
use crate::dataset::verify::{Claim, Placed, VerifyError, quoted};
use crate::model::{ContextStyle, Model, PromptParts};
use crate::secrets::{self, Secret, Secrets};

/// The claims that [`Checker::check`] checks of each example.
pub(super) const CLAIMS: [Claim; 6] = [
    Claim::Source,
    Claim::RoundTrip,
    Claim::Markers,
    Claim::Budget,
    Claim::Context,
    Claim::Metadata,
];

/// What examples are held against.
pub(super) struct Checker<'a> {
    pub(super) projects: &'a [Repo<'a>],
    pub(super) model: &'a Model,
    pub(super) secrets: Secrets,
    pub(super) options: Options,
    pub(super) cancel: &'a Cancel,
}

/// What came of checking one example.
#[derive(Default)]
pub(super) struct Checked {
    pub(super) breaches: Objections,
    /// Whether its parts stand in its file as they should.
    pub(super) fits: bool,
    /// What near duplicates have in common with it, if there is such a hole.
    pub(super) key: Option<u128>,
}

/// What is held against an example.
pub(super) type Objections = Vec<(Claim, String)>;

/// The parts of an example as the files spell them.
struct Own<'e> {
    prefix: Cow<'e, str>,
    middle: Cow<'e, str>,
    suffix: Cow<'e, str>,
    context: Cow<'e, str>,
}

impl Checker<'_> {
    /// Checks each example of `batch`, in its order.
    pub(super) fn check(&self, batch: &[Placed]) -> Result<Vec<Checked>, VerifyError> {
        let check = |(_, example): &Placed| {
            self.cancel.check()?;
            let mut breaches = Vec::new();
            let own = self.own(example);
            let fits = self.fits_source(example, &own, &mut breaches);
            self.markers(example, &own, &mut breaches);
            if self.texts_need_no_context() {
                self.text(example, &[], &mut breaches)?;
            }
            self.budget(example, &own, &mut breaches);
            if near_contains(&example.context, &example.middle) {
                let what = format!("the context gives {} away", quoted(&example.middle));
                breaches.push((Claim::Context, what));
            }
            figures(example, &mut breaches);
            let key = self
                .holed(example)
                .map(|[before, hole, after]| example_key(before, hole, after));
            Ok(Checked {
                breaches,
                fits,
                key,
            })
        };
        batch.par_iter().map(check).collect()
    }

    /// Whether a text can be made again of what its record holds. With a
    /// family's own tokens between files, only the context as it is assembled
    /// tells where a file begins.
    pub(super) fn texts_need_no_context(&self) -> bool {
        self.options.context_style == ContextStyle::Comment
    }

    /// The example's parts as they were before control tokens in them were
    /// neutralised.
    fn own<'e>(&self, example: &'e Example) -> Own<'e> {
        let restore = |part: &'e str| match self.options.markers {
            ControlTokenPolicy::Drop => Cow::Borrowed(part),
            ControlTokenPolicy::Neutralise => self.model.control_tokens().restore(part),
        };
        Own {
            prefix: restore(&example.prefix),
            middle: restore(&example.middle),
            suffix: restore(&example.suffix),
            context: restore(&example.context),
        }
    }

    /// Whether the example's parts are its file's own text.
    fn fits_source(&self, example: &Example, own: &Own<'_>, breaches: &mut Objections) -> bool {
        let text = match self.source(example.repo.as_deref(), &example.filepath) {
            Ok(text) => text,
            Err(why) => {
                breaches.push((Claim::Source, why));
                return false;
            }
        };
        if example.end_byte > text.len() {
            let what = format!(
                "the file has changed since: it has {} bytes, and the hole is {}..{}",
                text.len(),
                example.start_byte,
                example.end_byte
            );
            breaches.push((Claim::Source, what));
            return false;
        }
        match misfit(example, own, text, &self.secrets_of(text)) {
            Some(what) => {
                breaches.push((Claim::RoundTrip, what));
                false
            }
            None => true,
        }
    }

    /// The secrets of a file that placeholders stand for.
    fn secrets_of(&self, text: &str) -> Vec<Secret> {
        match self.options.secrets {
            SecretPolicy::Keep => Vec::new(),
            SecretPolicy::Redact | SecretPolicy::Drop => self.secrets.find(text),
        }
    }

    /// The project that records call `name`.
    fn project(&self, name: Option<&str>) -> Option<&Repo<'_>> {
        self.projects.iter().find(|project| project.name == name)
    }

    /// What is before, in and behind the example's hole; none if its file has
    /// no such hole.
    fn holed(&self, example: &Example) -> Option<[&str; 3]> {
        let text = self
            .source(example.repo.as_deref(), &example.filepath)
            .ok()?;
        let (start, end) = (example.start_byte, example.end_byte);
        Some([text.get(..start)?, text.get(start..end)?, text.get(end..)?])
    }

    /// The text of the file `key` of the project `repo` itself, or what has
    /// become of it.
    pub(super) fn source(&self, repo: Option<&str>, key: &str) -> Result<&str, String> {
        let Some(project) = self.project(repo) else {
            return Err(match repo {
                Some(repo) => format!("no project {repo:?} to check it with: name its folder"),
                None => "expected the project that it is of, found none".into(),
            });
        };
        match project.file(key) {
            None => Err("the file has changed since: it is not among the project's files".into()),
            Some(_) if !(project.in_root)(key) => {
                Err("expected a file of the project itself, found one of an include path".into())
            }
            Some(file) if file.lossy => Err("the file has changed since: it is not UTF-8".into()),
            Some(file) => Ok(&file.text),
        }
    }

    /// Whether the parts may be in a text.
    fn markers(&self, example: &Example, own: &Own<'_>, breaches: &mut Objections) {
        let parts = [
            ("context", &example.context, &own.context),
            ("prefix", &example.prefix, &own.prefix),
            ("middle", &example.middle, &own.middle),
            ("suffix", &example.suffix, &own.suffix),
        ];
        let mut neutralised = 0;
        for (name, part, own) in parts {
            if self.model.control_tokens().occur_in(part) {
                let what = format!("the {name} spells a marker of the family");
                breaches.push((Claim::Markers, what));
            }
            // Each place is one space more.
            neutralised += part.len() - own.len();
        }
        if neutralised != example.markers_neutralised {
            let what = format!(
                "markers_neutralised: expected {neutralised}, found {}",
                example.markers_neutralised
            );
            breaches.push((Claim::Metadata, what));
        }
    }

    /// Whether `text` is made as the family wants it, and has as many tokens as
    /// it says; `files` are those of the context.
    fn text(
        &self,
        example: &Example,
        files: &[String],
        breaches: &mut Objections,
    ) -> Result<(), VerifyError> {
        let Example { text, format, .. } = example;
        let model = self.model;
        let project = self.project(example.repo.as_deref());
        let family = model.family();
        if self.options.spm_rate == 0.0 && *format != family.format() {
            let what = format!("format: expected {}, found {format}", family.format());
            breaches.push((Claim::Text, what));
        }
        let parts = PromptParts {
            context: &example.context,
            files,
            repo: project.map_or("", |project| project.title),
            path: &example.filepath,
            prefix: &example.prefix,
            suffix: &example.suffix,
        };
        let style = self.options.context_style;
        let expected = family.example(&parts, &example.middle, *format, style);
        if let Some(at) = first_difference(&expected.text, text) {
            let what = format!(
                "text: expected {} at byte {at}, found {}",
                quoted(&expected.text[at..]),
                quoted(&text[at..])
            );
            breaches.push((Claim::Text, what));
        }
        for marker in family.part_tokens() {
            let found = model.control_tokens().find(text);
            let times = found.filter(|found| &text[found.clone()] == marker).count();
            let wanted = family
                .part_tokens()
                .filter(|other| *other == marker)
                .count();
            if times != wanted {
                let what = format!("text: expected {marker} once, found it {times} times");
                breaches.push((Claim::Text, what));
            }
        }
        let counted = model.count(&expected)?.total;
        if let Some(max) = self.options.max_tokens.filter(|max| counted > *max) {
            let what = format!("expected at most {max} tokens (max_tokens), found {counted}");
            breaches.push((Claim::Budget, what));
        }
        let counted = model.has_tokenizer().then_some(counted);
        if counted != example.tokens {
            let said = |tokens: Option<usize>| tokens.map_or("none".into(), |n| n.to_string());
            let what = format!(
                "tokens: expected {}, found {}",
                said(counted),
                said(example.tokens)
            );
            breaches.push((Claim::Metadata, what));
        }
        Ok(())
    }

    fn budget(&self, example: &Example, own: &Own<'_>, breaches: &mut Objections) {
        let options = &self.options;
        let chars = |text: &str| text.chars().count();
        let (middle, context) = (chars(&own.middle), chars(&own.context));
        let Example { prefix, suffix, .. } = example;
        let total = [&example.context, prefix, &example.middle, suffix].map(|part| chars(part));
        let total = total.iter().sum();
        let lines = example.middle.lines().count();
        let mut most = |what: &str, found: usize, most: usize, from: &str| {
            if found > most {
                let what = format!("expected at most {most} {what} ({from}), found {found}");
                breaches.push((Claim::Budget, what));
            }
        };
        let max_total = options.max_total_chars;
        most("characters in all", total, max_total, "max_total_chars");
        let quarter = options.max_middle_chars();
        let from = "a quarter of max_total_chars";
        most("characters of middle", middle, quarter, from);
        let max_lines = options.max_middle_lines;
        most("lines of middle", lines, max_lines, "max_middle_lines");
        let asked = example.context_max_chars;
        most("characters of context", context, asked, "context_max_chars");
        let budget = options.context_budget();
        most("context_max_chars", asked, budget, "the options' budget");
        if middle < options.min_middle_chars {
            let what = format!(
                "expected at least {} characters of middle (min_middle_chars), found {middle}",
                options.min_middle_chars
            );
            breaches.push((Claim::Budget, what));
        }
    }

    /// What is wrong with the context of each example of `batch`, and with
    /// what only the assembled context can tell of.
    pub(super) fn parity(&self, batch: &[&Placed]) -> Result<Vec<Objections>, VerifyError> {
        let objections = |(_, example): &&Placed| {
            let mut breaches = Vec::new();
            let Some(context) = self.context(example)? else {
                let what = "expected a hole that can be cut out of the file, found none";
                return Ok(vec![(Claim::Parity, what.to_owned())]);
            };
            let expected = match self.options.markers {
                ControlTokenPolicy::Drop => Cow::Borrowed(context.text.as_str()),
                ControlTokenPolicy::Neutralise => {
                    self.model.control_tokens().neutralise(&context.text).0
                }
            };
            if let Some(at) = first_difference(&expected, &example.context) {
                let what = format!(
                    "context: expected {} at byte {at}, found {}; the example, or some file of the project, has changed since",
                    quoted(&expected[at..]),
                    quoted(&example.context[at..])
                );
                breaches.push((Claim::Parity, what));
            }
            let redacted: u64 = context.redacted.values().sum();
            if let Some(redacted) = self.placeholders(example).map(|own| own + redacted)
                && redacted != example.redacted
            {
                let what = format!("redacted: expected {redacted}, found {}", example.redacted);
                breaches.push((Claim::Metadata, what));
            }
            if !self.texts_need_no_context() {
                self.text(example, &context.files, &mut breaches)?;
            }
            Ok(breaches)
        };
        batch.par_iter().map(objections).collect()
    }

    /// How many placeholders stand for secrets in prefix, middle and suffix;
    /// `None` if those do not stand in the file.
    fn placeholders(&self, example: &Example) -> Option<u64> {
        let source = self.source(example.repo.as_deref(), &example.filepath);
        let text = source.ok()?;
        let (start, end) = (example.start_byte, example.end_byte);
        let all = self.secrets_of(text);
        let own = self.own(example);
        if misfit(example, &own, text, &all).is_some() {
            return None;
        }
        // The window begins and ends where as much is shown as the parts hold.
        let shown = |window| secrets::replace(text, window, &all).len();
        let (mut from, mut to) = (start, end);
        for secret in all.iter().rev().filter(|secret| secret.range.end <= start) {
            if shown(secret.range.end..start) >= own.prefix.len() {
                break;
            }
            from = secret.range.start;
        }
        for secret in all.iter().filter(|secret| secret.range.start >= end) {
            if shown(end..secret.range.start) >= own.suffix.len() {
                break;
            }
            to = secret.range.end;
        }
        Some(secrets::within(&all, from..to).count() as u64)
    }

    /// The context for the example's hole; `None` if its file has no such hole.
    fn context(&self, example: &Example) -> Result<Option<Context>, Cancelled> {
        self.cancel.check()?;
        let Some(project) = self.project(example.repo.as_deref()) else {
            return Ok(None);
        };
        let Some([before, _, after]) = self.holed(example) else {
            return Ok(None);
        };
        if example.context_max_chars == 0 {
            return Ok(Some(Context::default()));
        }
        let request = context::Request {
            path: &example.filepath,
            content: &[before, after].concat(),
            cursor: example.start_byte,
            max_chars: example.context_max_chars,
            min_score: self.options.min_score,
            dependencies: self.options.cross_file_context,
            bm25: self.options.bm25_context,
            secrets: (self.options.secrets != SecretPolicy::Keep).then_some(&self.secrets),
        };
        context::assemble(project.snapshot, &request, self.cancel).map(Some)
    }
}

/// How the example's parts differ from the file's `text`, if they do.
///
/// Placeholders stand for `secrets`, which are those of the whole file.
fn misfit(example: &Example, own: &Own<'_>, text: &str, secrets: &[Secret]) -> Option<String> {
    let (start, end) = (example.start_byte, example.end_byte);
    if text.get(start..end).is_none() {
        return Some(format!(
            "expected {start}..{end} to start and end between characters of the file"
        ));
    }
    let shown = |window| secrets::replace(text, window, secrets);
    let (before, hole, after) = (shown(0..start), shown(start..end), shown(end..text.len()));
    let expected = |part: &str, found: &str, expected: &str| {
        Some(format!(
            "{part}: expected {} as in the file, found {}",
            quoted(expected),
            quoted(found)
        ))
    };
    let Own {
        prefix,
        middle,
        suffix,
        ..
    } = own;
    if hole != *middle {
        let at = first_difference(&hole, middle).unwrap_or(0);
        expected("middle", &middle[at..], &hole[at..])
    } else if !before.ends_with(&**prefix) {
        let from = before.len().saturating_sub(prefix.len());
        let own = &before[before.floor_char_boundary(from)..];
        let at = first_difference(own, prefix).unwrap_or(0);
        expected("prefix", &prefix[at..], &own[at..])
    } else if !after.starts_with(&**suffix) {
        let at = first_difference(&after, suffix).unwrap_or(0);
        expected("suffix", &suffix[at..], &after[at..])
    } else {
        None
    }
}

/// What an example says of itself.
fn figures(example: &Example, breaches: &mut Objections) {
    let lines = example.middle.lines().count();
    if lines != example.middle_lines {
        let what = format!(
            "middle_lines: expected {lines}, found {}",
            example.middle_lines
        );
        breaches.push((Claim::Metadata, what));
    }
    let complexity = quality::complexity(&example.middle);
    // Both are multiples of a quarter, so equal ones are equal bit by bit.
    if complexity.total_cmp(&example.complexity_score).is_ne() {
        let what = format!(
            "complexity_score: expected {complexity}, found {}",
            example.complexity_score
        );
        breaches.push((Claim::Metadata, what));
    }
}

/// Where `a` and `b` begin to differ, in bytes, at a character of both.
fn first_difference(a: &str, b: &str) -> Option<usize> {
    if a == b {
        return None;
    }
    let same = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b);
    // What is equal so far, ends in the middle of a character in both or none.
    Some(a.floor_char_boundary(same.count()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_differ_from_a_character_on() {
        assert_eq!(first_difference("abc", "abc"), None);
        assert_eq!(first_difference("abc", "ab"), Some(2));
        assert_eq!(first_difference("ab", "abc"), Some(2));
        assert_eq!(first_difference("", "abc"), Some(0));
        // Both start with the byte 0xc3.
        assert_eq!(first_difference("a\u{e4}", "a\u{f6}"), Some(1));
        assert_eq!(first_difference("a\u{e4}", "a\u{e4}b"), Some(3));
    }
}
