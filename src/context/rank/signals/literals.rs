//! The signal `literals`: strings that other files write at the place of the cursor: the
//! same argument of the same function, a key of an array called the same.

use rustc_hash::FxHashMap;

use crate::context::buffer::Buffer;
use crate::context::rank::near_words::NearWords;
use crate::context::rank::surroundings::Surroundings;
use crate::context::site::Site;
use crate::context::weights::{LITERAL_USES, LITERALS, PLACE_USES, literal_weight};
use crate::index::SourceFile;
use crate::php::lex::TokenKind;
use crate::php::{literal_place, place_hash};

/// Strings that may stand at the cursor.
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
    let place = place_hash(&place);
    let mut found: FxHashMap<&'a str, (u32, &'a SourceFile, &'a str)> = FxHashMap::default();
    for (file, text) in surroundings.snapshot.literals_at(place, PLACE_USES) {
        if *file.path == *buffer.path || !text.starts_with(typed) {
            continue;
        }
        let entry = found.entry(text).or_insert((0, file, text));
        // Several uses in one file count once.
        if entry.0 == 0 || entry.1.path != file.path {
            entry.0 += 1;
        }
        if file.path < entry.1.path {
            (entry.1, entry.2) = (file, text);
        }
    }
    let mut weighed: Vec<_> = found
        .into_values()
        .map(|(files, file, text)| (literal_weight(files, near.shared(text)), file, text))
        .collect();
    weighed.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.2.cmp(b.2)));
    weighed.truncate(if typed.is_empty() && surroundings.site != Site::Text {
        LITERAL_USES
    } else {
        LITERALS
    });
    let &(_, file, best) = weighed.first()?;
    let start = best.as_ptr().addr() - file.text.as_ptr().addr();
    Some(LikelyLiterals {
        path: &file.path,
        start,
        end: start + best.len(),
        texts: weighed.into_iter().map(|(.., text)| text).collect(),
    })
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
