//! The signal `literals`: strings that other files write at the place of the cursor: the
//! same argument of the same function, a key of an array called the same. A framework
//! adds those that are defined elsewhere.

use rustc_hash::FxHashMap;

use crate::context::buffer::Buffer;
use crate::context::rank::near_words::NearWords;
use crate::context::rank::surroundings::Surroundings;
use crate::context::site::Site;
use crate::context::weights::{LITERAL_USES, LITERALS, PLACE_USES, literal_weight};
use crate::php::lex::TokenKind;
use crate::php::{literal_place, place_hash};

/// Strings that may stand at the cursor.
#[derive(Clone)]
pub(in crate::context) struct LikelyLiterals<'a> {
    /// The file that writes the likeliest of them, and where.
    pub(in crate::context) path: &'a str,
    /// The bytes of the likeliest one in that file.
    pub(in crate::context) start: usize,
    pub(in crate::context) end: usize,
    /// The strings, likeliest first.
    pub(in crate::context) texts: Vec<&'a str>,
}

/// The strings that other files write at the place of the cursor.
pub(in crate::context::rank) fn likely_literals<'a>(
    surroundings: &Surroundings<'a>,
    near: &NearWords,
) -> Option<LikelyLiterals<'a>> {
    let buffer = surroundings.buffer;
    let (at, typed) = string_at_cursor(buffer, surroundings.site)?;
    let place = literal_place(buffer.content, &buffer.tokens[..buffer.before], at)?;
    let mut found: FxHashMap<&'a str, WrittenString<'a>> = FxHashMap::default();
    let written = surroundings
        .snapshot
        .literals_at(place_hash(&place), PLACE_USES);
    let written = written.map(|(file, text)| WrittenString {
        files: 1,
        path: &file.path,
        start: text.as_ptr().addr() - file.text.as_ptr().addr(),
        text,
    });
    let defined = surroundings.inference.defined_strings(&place);
    let defined = defined.into_iter().map(|defined| WrittenString {
        files: 1,
        path: defined.path,
        start: defined.start as usize,
        text: defined.text,
    });
    for new in written.chain(defined) {
        if *new.path == *buffer.path || !new.text.starts_with(typed) {
            continue;
        }
        let Some(known) = found.get_mut(new.text) else {
            found.insert(new.text, new);
            continue;
        };
        // Several uses in one file count once.
        let files = known.files + u32::from(known.path != new.path);
        if (new.path, new.start) < (known.path, known.start) {
            *known = new;
        }
        known.files = files;
    }
    let mut weighed: Vec<_> = found
        .into_values()
        .map(|found| (literal_weight(found.files, near.shared(found.text)), found))
        .collect();
    weighed.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.text.cmp(b.1.text)));
    weighed.truncate(if typed.is_empty() && surroundings.site != Site::Text {
        LITERAL_USES
    } else {
        LITERALS
    });
    let (_, best) = weighed.first()?;
    Some(LikelyLiterals {
        path: best.path,
        start: best.start,
        end: best.start + best.text.len(),
        texts: weighed.iter().map(|(_, found)| found.text).collect(),
    })
}

/// A string that may stand at the cursor.
struct WrittenString<'a> {
    /// The files that write it.
    files: u32,
    /// The first of them, and where the string begins there.
    path: &'a str,
    start: usize,
    text: &'a str,
}

/// The token that the string at the cursor is or will be, and the part of the string
/// that is typed already.
fn string_at_cursor<'a>(buffer: &Buffer<'a>, site: Site) -> Option<(usize, &'a str)> {
    let last = buffer.before.checked_sub(1)?;
    let token = buffer.tokens[last];
    let is_string = matches!(token.kind, TokenKind::String | TokenKind::Template);
    if site == Site::Text && is_string {
        let text = &buffer.content[token.span.start as usize..buffer.cursor];
        let typed = text.strip_prefix(['\'', '"'])?;
        return (!typed.contains('\n')).then_some((last, typed));
    }
    let begins = matches!(
        token.kind,
        TokenKind::Punct(b'(' | b',' | b'[') | TokenKind::DoubleArrow
    );
    (site == Site::Expression && buffer.typed.is_empty() && begins).then_some((buffer.before, ""))
}
