//! The fonts and colours that Tk, the toolkit of FIMpad, accepts.
//!
//! The names of colours are those of X11's `rgb.txt`, the 752 that the manual page
//! colors(n) of Tk 8.4 lists, and eight names of the web that Tk 8.6 adds. Case
//! does not matter. A name of several words may be written with spaces or without;
//! a name with a number is written without.

/// The fonts that Tk has on every machine: its named fonts, and the three families
/// for which it finds a substitute.
pub const TK_FONTS: [&str; 12] = [
    "TkDefaultFont",
    "TkTextFont",
    "TkFixedFont",
    "TkMenuFont",
    "TkHeadingFont",
    "TkCaptionFont",
    "TkSmallCaptionFont",
    "TkIconFont",
    "TkTooltipFont",
    "Courier",
    "Helvetica",
    "Times",
];

/// Names of one colour each.
#[rustfmt::skip]
const NAMES: [&str; 73] = [
    "alice blue", "aqua", "beige", "black", "blanched almond", "blue violet", "cornflower blue",
    "crimson", "dark blue", "dark cyan", "dark gray", "dark green", "dark grey", "dark khaki",
    "dark magenta", "dark red", "dark salmon", "dark slate blue", "dark slate grey",
    "dark turquoise", "dark violet", "dim gray", "dim grey", "floral white", "forest green",
    "fuchsia", "gainsboro", "ghost white", "gray", "green yellow", "grey", "indigo", "lavender",
    "lawn green", "light coral", "light goldenrod yellow", "light gray", "light green",
    "light grey", "light sea green", "light slate blue", "light slate gray", "light slate grey",
    "lime", "lime green", "linen", "medium aquamarine", "medium blue", "medium sea green",
    "medium slate blue", "medium spring green", "medium turquoise", "medium violet red",
    "midnight blue", "mint cream", "moccasin", "navy", "navy blue", "old lace", "olive",
    "pale goldenrod", "papaya whip", "peru", "powder blue", "saddle brown", "sandy brown",
    "silver", "slate grey", "teal", "violet", "white", "white smoke", "yellow green",
];

/// Names of a colour and, followed by 1 to 4, of four shades of it.
#[rustfmt::skip]
const SHADED: [&str; 78] = [
    "antique white", "aquamarine", "azure", "bisque", "blue", "brown", "burlywood",
    "cadet blue", "chartreuse", "chocolate", "coral", "cornsilk", "cyan", "dark goldenrod",
    "dark olive green", "dark orange", "dark orchid", "dark sea green", "dark slate gray",
    "deep pink", "deep sky blue", "dodger blue", "firebrick", "gold", "goldenrod", "green",
    "honeydew", "hot pink", "indian red", "ivory", "khaki", "lavender blush", "lemon chiffon",
    "light blue", "light cyan", "light goldenrod", "light pink", "light salmon",
    "light sky blue", "light steel blue", "light yellow", "magenta", "maroon", "medium orchid",
    "medium purple", "misty rose", "navajo white", "olive drab", "orange", "orange red",
    "orchid", "pale green", "pale turquoise", "pale violet red", "peach puff", "pink", "plum",
    "purple", "red", "rosy brown", "royal blue", "salmon", "sea green", "seashell", "sienna",
    "sky blue", "slate blue", "slate gray", "snow", "spring green", "steel blue", "tan",
    "thistle", "tomato", "turquoise", "violet red", "wheat", "yellow",
];

/// Names that, followed by 0 to 100, stand for a percentage of white.
const GRAYS: [&str; 2] = ["gray", "grey"];

/// Whether Tk accepts `text` as a colour.
#[must_use]
pub fn is_colour(text: &str) -> bool {
    match text.strip_prefix('#') {
        Some(digits) => {
            [3, 6, 9, 12].contains(&digits.len())
                && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
        }
        None => colour_names().any(|name| name.eq_ignore_ascii_case(text)),
    }
}

/// All names, in lower case.
pub(super) fn colour_names() -> impl Iterator<Item = String> {
    let plain = NAMES.into_iter().chain(SHADED).flat_map(|name| {
        let joined = name.contains(' ').then(|| name.replace(' ', ""));
        [name.to_owned()].into_iter().chain(joined)
    });
    let shades = SHADED
        .into_iter()
        .flat_map(|name| (1..=4).map(move |shade| format!("{}{shade}", name.replace(' ', ""))));
    let grays = GRAYS
        .into_iter()
        .flat_map(|name| (0..=100).map(move |percent| format!("{name}{percent}")));
    plain.chain(shades).chain(grays)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::io::Write;

    use super::*;

    #[test]
    fn hexadecimal_colours_have_one_to_four_digits_each() {
        for colour in ["#fff", "#FFFFFF", "#0123456789ab", "#1a2B3c4D5"] {
            assert!(is_colour(colour), "{colour}");
        }
        for wrong in [
            "#",
            "#ff",
            "#ffff",
            "#fffff",
            "#1234567",
            "#ggg",
            "#ff\u{e9}f",
            "fff",
            " #fff",
        ] {
            assert!(!is_colour(wrong), "{wrong}");
        }
    }

    #[test]
    fn every_documented_name_is_a_colour() {
        let names: BTreeSet<_> = colour_names().collect();
        assert_eq!(names.len(), 752 + 8);
        for colour in [
            "red",
            "RED",
            "alice blue",
            "AliceBlue",
            "Alice Blue",
            "antiquewhite4",
            "DarkSlateGray",
            "dark slate grey",
            "LightGoldenrodYellow",
            "gray0",
            "Grey50",
            "gray100",
            "VioletRed2",
            "crimson",
            "olive",
            "yellow green",
        ] {
            assert!(is_colour(colour), "{colour}");
        }
        for wrong in [
            "",
            "rde",
            "alice  blue",
            "a liceblue",
            "AliceBlue1",
            "antique white1",
            "gray101",
            "gray 50",
            "grey00",
            "red5",
            "red0",
            "rebeccapurple",
            "transparent",
            "red ",
        ] {
            assert!(!is_colour(wrong), "{wrong}");
        }
    }

    /// Compares with the list of X11, from Debian's package `x11-common`.
    #[test]
    fn x11_has_the_same_names() {
        const LIST: &str = "/usr/share/X11/rgb.txt";
        let list = match std::fs::read_to_string(LIST) {
            Ok(list) => list,
            Err(error) => {
                let is_ci = std::env::var_os("CI").is_some();
                assert!(!is_ci, "CI skips no test; this one needs {LIST}: {error}");
                let line = format!("SKIPPED: needs {LIST}: {error}\n");
                std::io::stderr().write_all(line.as_bytes()).unwrap();
                return;
            }
        };
        let mut theirs: BTreeSet<_> = list
            .lines()
            .filter(|line| !line.starts_with('!'))
            .map(|line| line.trim_start_matches(|c: char| c.is_ascii_digit() || c.is_whitespace()))
            .map(str::to_ascii_lowercase)
            .filter(|name| !name.is_empty())
            .collect();
        // The distribution has added this one.
        theirs.remove("debianred");
        let mut ours: BTreeSet<_> = colour_names().collect();
        for web in [
            "aqua", "crimson", "fuchsia", "indigo", "lime", "olive", "silver", "teal",
        ] {
            assert!(ours.remove(web), "{web}");
            theirs.remove(web);
        }
        assert_eq!(ours, theirs);
    }
}
