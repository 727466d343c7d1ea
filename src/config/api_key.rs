//! An API key, which is never printed.

use std::fmt;

use aho_corasick::{AhoCorasick, MatchKind};
use url::form_urlencoded;

/// An API key. `Debug` and `Display` print a placeholder.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

impl ApiKey {
    /// The key itself, to send it to the server.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// `text` without the key: a server may repeat a key that it rejects. Finds it in
    /// small and capital letters, and as JSON, HTML or a URL spells it.
    #[must_use]
    pub fn hide_in(&self, text: &str) -> String {
        let key = &self.0;
        let json = serde_json::Value::from(&**key).to_string();
        let json = json.trim_matches('"');
        let html = key.replace('&', "&amp;").replace('<', "&lt;");
        let html = html.replace('>', "&gt;").replace('"', "&quot;");
        let url: String = form_urlencoded::byte_serialize(key.as_bytes()).collect();
        let spellings = [key, json, &json.replace('/', "\\/"), &html, &url];
        let finder = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            .build(spellings);
        match finder {
            Ok(finder) => finder.replace_all(text, &["[the key]"; 5]),
            // The key is too long to be looked for. Nothing is better than the key.
            Err(_) => String::new(),
        }
    }
}

/// The shortest text that [`without_keys`] takes for a key.
const MIN_KEY_CHARS: usize = 16;

/// `message` without what may be a key that stands in the wrong place: long words of
/// letters and digits show their first letters alone.
pub(super) fn without_keys(message: &str) -> String {
    let is_of_key = |c: char| c.is_ascii_alphanumeric() || "-_+=".contains(c);
    let mut shown = String::with_capacity(message.len());
    for word in message.split_inclusive(|c| !is_of_key(c)) {
        let (word, end) = match word.char_indices().next_back() {
            Some((at, last)) if !is_of_key(last) => word.split_at(at),
            _ => (word, ""),
        };
        let has = |of: fn(&u8) -> bool| word.as_bytes().iter().any(of);
        let is_key =
            word.len() >= MIN_KEY_CHARS && has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic);
        // A key consists of ASCII.
        shown.push_str(if is_key { &word[..3] } else { word });
        shown.push_str(if is_key { "\u{2026}" } else { "" });
        shown.push_str(end);
    }
    shown
}

impl From<String> for ApiKey {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

impl fmt::Display for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_hidden_however_it_is_spelled() {
        let key = ApiKey::from("sK/1+\"<&a".to_owned());
        for spelled in [
            "sK/1+\"<&a",
            "SK/1+\"<&A",
            "sK/1+\\\"<&a",
            "sK\\/1+\\\"<&a",
            "sK/1+&quot;&lt;&amp;a",
            "sk%2F1%2B%22%3C%26a",
            "sk%2f1%2b%22%3c%26a",
        ] {
            let text = format!("no: {spelled}; {spelled}");
            assert_eq!(key.hide_in(&text), "no: [the key]; [the key]", "{spelled}");
        }
        assert_eq!(key.hide_in("sK/1"), "sK/1");
    }

    #[test]
    fn a_key_in_the_wrong_place_is_cut() {
        let cut = without_keys("a: found \"sk-live-0123456789abcdef\", or AKIA0123456789ABCDEF");
        assert_eq!(cut, "a: found \"sk-\u{2026}\", or AKI\u{2026}");
        let kept =
            "expected one of qwen2.5-coder, first_byte_timeout_ms, http://localhost:8080/v1 \u{e9}";
        assert_eq!(without_keys(kept), kept);
    }
}
