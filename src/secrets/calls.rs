//! Finds secrets by their position: arguments of functions that connect, sign or
//! encrypt, and values of options such as `CURLOPT_USERPWD`.
//!
//! The bytes from the name of the function to the end of the argument decide, and the
//! bytes in front of the name that tell a method, a class and a function apart.

use std::ops::Range;

use memchr::{memchr, memrchr};

use crate::secrets::judge::{self, ValueKind};
use crate::secrets::literals::{Quoted, is_name, literal, skip_blank, value};
use crate::secrets::secret::{PASSWORD, SECRET, Secret};
use crate::secrets::takers::{Before, Entry, SecretCall, Takes};

/// The most arguments that are read.
const MAX_ARGUMENTS: usize = 7;
/// The most bytes of a call between its bracket and the argument, literals not counted.
const MAX_CODE: usize = 256;

/// The schemes of authentication that may follow user and password in a list.
const SCHEMES: [&[u8]; 3] = [b"basic", b"digest", b"ntlm"];

/// Adds the secrets among the arguments of the call of `call`, whose name stands at
/// `name`.
pub(super) fn arguments(
    text: &str,
    name: Range<usize>,
    call: &SecretCall,
    found: &mut Vec<Secret>,
) {
    let bytes = text.as_bytes();
    let open = skip_blank(bytes, name.end);
    if bytes.get(open) != Some(&b'(') || !stands_behind(&bytes[..name.start], call.before) {
        return;
    }
    let mut reader = Arguments {
        bytes,
        at: open + 1,
        left: MAX_CODE,
    };
    // The two of a user and a password may come as a list.
    if call.name == "auth"
        && let Some(password) = second_of_list(bytes, skip_blank(bytes, open + 1))
    {
        found.extend(judged(text, &password, Takes::Chosen));
        return;
    }
    let mut first = None;
    for number in 0..MAX_ARGUMENTS {
        let Some(argument) = reader.next() else {
            break;
        };
        if number == 0 {
            first.clone_from(&argument);
        }
        let Some(argument) = argument.filter(|_| call.secret.contains(&number)) else {
            continue;
        };
        let fits = call.name != "bind" || first.as_ref().is_some_and(|dn| names_an_entry(text, dn));
        if fits {
            found.extend(judged(text, &argument, call.takes));
        }
    }
}

/// Adds the secrets in the value of `entry`, whose name stands at `name`.
pub(super) fn entry(text: &str, name: Range<usize>, entry: &Entry, found: &mut Vec<Secret>) {
    let bytes = text.as_bytes();
    let before = bytes[..name.start].last().copied();
    let behind = bytes.get(name.end).copied();
    let quoted = matches!(before, Some(b'\'' | b'"'));
    if entry.takes == Takes::Header && quoted && behind == Some(b':') {
        found.extend(header_line(text, name.end + 1, before));
        return;
    }
    let (closed, from) = if entry.constant {
        (
            !before.is_some_and(is_name) && !behind.is_some_and(is_name),
            name.end,
        )
    } else {
        (quoted && behind == before, name.end + 1)
    };
    if !closed {
        return;
    }
    let from = skip_blank(bytes, from + usize::from(bytes.get(from) == Some(&b']')));
    let operator = match bytes.get(from..) {
        Some([b'=', b'>', ..]) => 2,
        Some([b'=', next, ..]) if *next != b'=' => 1,
        Some([b',' | b':', ..]) => 1,
        _ => return,
    };
    let at = skip_blank(bytes, from + operator);
    if entry.takes == Takes::Pair
        && let Some(password) = second_of_list(bytes, at)
    {
        found.extend(judged(text, &password, Takes::Chosen));
    } else if let Some(value) = value(bytes, at) {
        found.extend(judged(text, &value, entry.takes));
    }
}

/// Whether `before` ends with what must stand before a name.
fn stands_behind(before: &[u8], what: Before) -> bool {
    match what {
        Before::Any => !before.last().copied().is_some_and(is_name),
        Before::Function => {
            let last = before.last().copied();
            !last.is_some_and(|byte| is_name(byte) || matches!(byte, b'>' | b':' | b'$'))
                && !before.trim_ascii_end().ends_with(b"function")
        }
        Before::Member => before.ends_with(b"->") || before.ends_with(b"::"),
        Before::New => {
            let namespace = before.iter().rev().take(128);
            let namespace = namespace
                .take_while(|byte| is_name(**byte) || **byte == b'\\')
                .count();
            let (head, namespace) = before.split_at(before.len() - namespace);
            let word = head.trim_ascii_end();
            (namespace.is_empty() || namespace.ends_with(b"\\"))
                && word.len() < head.len()
                && word.ends_with(b"new")
        }
    }
}

/// Whether the literal is the name of an entry of a directory, or a user in a domain.
fn names_an_entry(text: &str, literal: &Quoted) -> bool {
    text[literal.content.clone()].contains(['=', '@', '\\'])
}

/// Reads the arguments of a call.
struct Arguments<'t> {
    bytes: &'t [u8],
    /// Where the next argument begins.
    at: usize,
    /// How many bytes may still be read, literals not counted.
    left: usize,
}

impl Arguments<'_> {
    /// The next argument: its literal if it is nothing else. `None` behind the last
    /// one, and where the call is too long.
    fn next(&mut self) -> Option<Option<Quoted>> {
        self.at = self.behind_label(skip_blank(self.bytes, self.at));
        if self.bytes.get(self.at)? == &b')' {
            return None;
        }
        let whole = value(self.bytes, self.at).filter(|literal| {
            let end = skip_blank(self.bytes, literal.end);
            matches!(self.bytes.get(end), Some(b',' | b')'))
        });
        if let Some(literal) = &whole {
            self.at = literal.end;
        }
        self.skip()?;
        Some(whole)
    }

    /// The byte behind `name:` if a named argument begins at `at`, else `at`.
    fn behind_label(&self, at: usize) -> usize {
        let rest = self.bytes.get(at..).unwrap_or_default();
        let name = rest.iter().take(64).take_while(|byte| is_name(**byte));
        let name = name.count();
        match rest.get(name..) {
            Some([b':', next, ..]) if name > 0 && *next != b':' => {
                skip_blank(self.bytes, at + name + 1)
            }
            _ => at,
        }
    }

    /// Goes to the next argument, or to the bracket that ends the call.
    fn skip(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            let byte = *self.bytes.get(self.at)?;
            match byte {
                b')' | b']' | b'}' if depth == 0 => return Some(()),
                b',' if depth == 0 => {
                    self.at += 1;
                    return Some(());
                }
                b';' => return None,
                b'(' | b'[' | b'{' => depth += 1,
                b')' | b']' | b'}' => depth -= 1,
                b'\'' | b'"' => {
                    self.at = literal(self.bytes, self.at + 1, byte)?.end + 1;
                    continue;
                }
                _ => {}
            }
            self.left = self.left.checked_sub(1)?;
            self.at += 1;
        }
    }
}

/// The second element, if a list of two literals begins at byte `at`, or of three with
/// the scheme of the authentication as the last one.
fn second_of_list(bytes: &[u8], at: usize) -> Option<Quoted> {
    let rest = bytes.get(at..)?;
    let open = match rest {
        [b'[', ..] => at + 1,
        _ if rest.get(..6)?.eq_ignore_ascii_case(b"array(") => at + 6,
        _ => return None,
    };
    let mut reader = Arguments {
        bytes,
        at: open,
        left: MAX_CODE,
    };
    reader.next()?;
    let at = skip_blank(bytes, reader.at);
    let second = value(bytes, at)?;
    reader.at = second.end;
    let is_list = match bytes.get(skip_blank(bytes, second.end))? {
        b']' | b')' => true,
        b',' => {
            reader.skip()?;
            let scheme = value(bytes, skip_blank(bytes, reader.at));
            scheme.is_none_or(|scheme| SCHEMES.contains(&&bytes[scheme.content]))
        }
        _ => false,
    };
    is_list.then_some(second)
}

/// The secret of a header whose value begins at byte `from` of a literal in quotes of
/// this kind.
fn header_line(text: &str, from: usize, quote: Option<u8>) -> Option<Secret> {
    let content = literal(text.as_bytes(), from, quote?)?;
    let header = Quoted {
        interpolates: quote == Some(b'"'),
        end: content.end + 1,
        content,
    };
    judged(text, &header, Takes::Header)
}

/// The secret in `literal`, if it has one.
fn judged(text: &str, literal: &Quoted, takes: Takes) -> Option<Secret> {
    let (mut range, interpolates) = (literal.content.clone(), literal.interpolates);
    let secret = |range: Range<usize>, kind| Some(Secret { range, kind });
    match takes {
        Takes::Password if judge::is_argument(&text[range.clone()], interpolates) => {
            secret(range, PASSWORD)
        }
        Takes::Key if judge::is_argument(&text[range.clone()], interpolates) => {
            secret(range, SECRET)
        }
        Takes::Chosen if judge::is_likely_argument(&text[range.clone()], interpolates) => {
            secret(range, PASSWORD)
        }
        Takes::Likely => {
            let value = &text[range.clone()];
            if judge::is_secret(value, ValueKind::Key, interpolates) {
                secret(range, SECRET)
            } else if judge::is_secret(value, ValueKind::Password, interpolates) {
                secret(range, PASSWORD)
            } else {
                None
            }
        }
        Takes::Pair => {
            let value = &text[range.clone()];
            let colon = memchr(b':', value.as_bytes())?;
            let user = &value[..colon];
            range.start += colon + 1;
            let is_pair = !user.is_empty() && !user.contains([' ', '/', '{', '"', '<', ',']);
            (is_pair && judge::is_argument(&text[range.clone()], interpolates))
                .then(|| secret(range, PASSWORD))?
        }
        Takes::Header => {
            let value = text[range.clone()].trim_end();
            let word = memrchr(b' ', value.as_bytes()).map_or(0, |blank| blank + 1);
            range = range.start + word..range.start + value.len();
            judge::is_secret(&text[range.clone()], ValueKind::Key, interpolates)
                .then(|| secret(range, SECRET))?
        }
        Takes::Password | Takes::Key | Takes::Chosen => None,
    }
}
