//! What the HTML pages of fimd have in common: the frame with its style, the elements of
//! a page, plots, and the browser of a list of items. A page is one file that loads
//! nothing else, in a light and a dark theme.

pub(crate) mod charts;
pub(crate) mod intervals;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde::Serialize;

const CSS: &str = include_str!("html/page.css");
/// The script that lists items, filters and shows them: see the head of the file.
const BROWSER: &str = include_str!("html/browser.js");
/// A page's content security policy: it may use its own styles and scripts and load
/// nothing.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// What a page consists of.
pub(crate) struct Page<'a> {
    /// Its title.
    pub(crate) title: &'a str,
    /// Rules of its own, behind those that all pages have.
    pub(crate) css: &'a str,
    /// What it shows.
    pub(crate) body: Markup,
    /// The data that its script reads: the id of each element, and its content.
    pub(crate) data: Vec<(&'a str, EmbeddedJson)>,
    /// Its script, which runs behind the one that all pages have.
    pub(crate) script: &'a str,
}

impl Page<'_> {
    /// The whole page.
    pub(crate) fn render(self) -> String {
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta http-equiv="Content-Security-Policy" content=(POLICY);
                    title { (self.title) }
                    style { (PreEscaped(CSS)) (PreEscaped(self.css)) }
                }
                body {
                    (self.body)
                    @for (id, json) in self.data {
                        script type="application/json" id=(id) { (PreEscaped(json.0)) }
                    }
                    script { (PreEscaped(BROWSER)) (PreEscaped(self.script)) }
                }
            }
        };
        page.into_string()
    }
}

/// JSON that can stand in a script element.
pub(crate) struct EmbeddedJson(String);

impl EmbeddedJson {
    /// `value` as JSON.
    ///
    /// # Errors
    /// If `value` is none that JSON has.
    pub(crate) fn new(value: &impl Serialize) -> serde_json::Result<Self> {
        // Only a `<` could end the element. The two line separators end a line of a
        // script, but not of JSON. JSON has all three in strings alone, and can escape
        // them there.
        let mut json = serde_json::to_string(value)?;
        for (character, escaped) in [
            ('<', "\\u003c"),
            ('\u{2028}', "\\u2028"),
            ('\u{2029}', "\\u2029"),
        ] {
            if json.contains(character) {
                json = json.replace(character, escaped);
            }
        }
        Ok(Self(json))
    }
}

/// A section of cards.
pub(crate) fn section(id: &str, title: &str, cards: &[Markup]) -> Markup {
    html! {
        section id=(id) {
            h2 { (title) }
            div.cards {
                @for card in cards { div.card { (card) } }
            }
        }
    }
}

/// The entries of a description list: names and values.
pub(crate) fn terms(entries: impl IntoIterator<Item = (impl AsRef<str>, String)>) -> Markup {
    html! {
        @for (name, value) in entries {
            div { dt { (breakable(name.as_ref())) } dd { (breakable(&value)) } }
        }
    }
}

/// `text`, in which lines may break behind the points and underscores of names.
pub(crate) fn breakable(text: &str) -> Markup {
    html! {
        @for word in text.split_inclusive(['.', '_', '/', ',']) { (word) wbr; }
    }
}

/// The buttons of a browser, its count and the keys that it knows.
pub(crate) fn browser_steps() -> Markup {
    html! {
        button #previous type="button" { "Previous" }
        button #next type="button" { "Next" }
        output #count {}
        span.note { kbd { "j" } " " kbd { "k" } " step, " kbd { "/" } " searches" }
    }
}

/// The list of a browser, and the place where it shows an item. `items` says what is
/// listed, `item` what one of them is.
pub(crate) fn browser_panes(items: &str, item: &str) -> Markup {
    html! {
        div.browser {
            ol #list aria-label=(items) {}
            article #shown aria-label=(item) tabindex="0" {}
        }
        noscript { p { (items) " are shown by a script in this page." } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn embedded_json_cannot_leave_its_element() {
        let hostile = "</script><!--\u{2028}\u{2029}<script>";
        let EmbeddedJson(json) = EmbeddedJson::new(&[hostile]).unwrap();
        assert!(!json.contains(['<', '\u{2028}', '\u{2029}']), "{json}");
        let read: [String; 1] = serde_json::from_str(&json).unwrap();
        assert_eq!(read[0], hostile);
    }
}
