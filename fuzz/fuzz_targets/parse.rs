//! The parsed parts cover any text without gaps, and after any edits they equal
//! those of a new parse of the whole text.
//!
//! Run it with `RUSTC_BOOTSTRAP=1 cargo fuzz run parse` on the stable toolchain.

#![no_main]

use arbitrary::Arbitrary;
use fimd::tags::{TagKind, Tags, Tile};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Input {
    text: String,
    edits: Vec<(u16, u8, String)>,
}

fuzz_target!(|input: Input| {
    let Input { mut text, edits } = input;
    let mut tags = Tags::parse(&text);
    tiles(&text, &tags);
    for (at, len, new) in edits {
        let start = text.floor_char_boundary(usize::from(at) % (text.len() + 1));
        let end = (start + usize::from(len)).min(text.len());
        let end = text.floor_char_boundary(end).max(start);
        text.replace_range(start..end, &new);
        tags.edit(&text, start..end, new.len());
        assert_eq!(tags, Tags::parse(&text), "{text:?}");
    }
    tiles(&text, &tags);
});

fn tiles(text: &str, tags: &Tags) {
    let mut at = 0;
    for tile in tags.tiles(text.len()) {
        let range = match tile {
            Tile::Plain(range) => range,
            Tile::Tag(tag) => {
                if let TagKind::Invalid(fault) = &tag.kind {
                    assert!(text.is_char_boundary(tag.range.start + fault.at));
                }
                tag.range.clone()
            }
        };
        assert_eq!(range.start, at);
        assert!(range.end > range.start && text.is_char_boundary(range.end));
        at = range.end;
    }
    assert_eq!(at, text.len());
}
