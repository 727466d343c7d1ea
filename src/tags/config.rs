//! Config tags: `[[[{font:"Ubuntu Sans"; fontSize:"24"}]]]`.

use super::fault::{Fault, Note, NoteKind};
use super::parser::{CLOSE, Parsed, TagParser};

/// A tag that changes settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Its entries, in order, each key once.
    pub entries: Vec<ConfigEntry>,
    /// Notes on it.
    pub notes: Vec<Note>,
}

/// An entry of a config tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigEntry {
    /// The setting.
    pub key: ConfigKey,
    /// Its new value, as text.
    pub value: String,
    /// The position of the value, in bytes from the tag's start.
    pub at: usize,
}

macro_rules! keys {
    ($($key:ident = $name:literal),* $(,)?) => {
        /// The settings that a config tag can change.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum ConfigKey {
            $(#[doc = concat!("`", $name, "`")] $key,)*
        }

        impl ConfigKey {
            /// All keys.
            pub const ALL: &'static [Self] = &[$(Self::$key),*];

            /// Its name in a tag.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$key => $name,)*
                }
            }
        }
    };
}

keys! {
    Endpoint = "endpoint",
    Temperature = "temperature",
    TopP = "topP",
    FimPrefix = "fimPrefix",
    FimSuffix = "fimSuffix",
    FimMiddle = "fimMiddle",
    Font = "font",
    FontSize = "fontSize",
    EditorPadding = "editorPadding",
    LineNumberPadding = "lineNumberPadding",
    FgColor = "fgColor",
    BgColor = "bgColor",
    CaretColor = "caretColor",
    SelectionColor = "selectionColor",
    ScrollSpeed = "scrollSpeed",
    SpellLang = "spellLang",
}

const KEYS_HINT: &str = "keys are endpoint, temperature, topP, fimPrefix, fimSuffix, fimMiddle, \
     font, fontSize, editorPadding, lineNumberPadding, fgColor, bgColor, caretColor, \
     selectionColor, scrollSpeed and spellLang";

impl ConfigKey {
    fn named(name: &str) -> Option<Self> {
        let name = if name == "fontFamily" { "font" } else { name };
        Self::ALL.iter().copied().find(|key| key.name() == name)
    }
}

impl TagParser<'_> {
    /// Reads a config tag, from its `{`.
    pub(super) fn config(&mut self) -> Parsed<Config> {
        self.eat("{");
        let mut entries: Vec<ConfigEntry> = Vec::new();
        let mut is_json = false;
        loop {
            self.skip_space();
            if !entries.is_empty() && self.eat("}") {
                break;
            }
            let start = self.at();
            is_json |= self.peek() == Some('"');
            entries.push(self.entry(&entries)?);
            self.skip_space();
            if self.eat("}") {
                break;
            }
            if is_json && self.eat(",") {
                continue;
            }
            if !self.eat(";") {
                return Err(self.expected("`;` or `}`", "put `;` between entries"));
            }
            debug_assert!(self.at() > start, "every entry takes some text");
        }
        self.skip_space();
        if !self.eat(CLOSE) {
            return Err(self.expected("`]]]`", "a config tag ends with }]]]"));
        }
        if is_json {
            self.note(NoteKind::Extension, 0, "settings as JSON".into());
        }
        Ok(Config {
            entries,
            notes: self.take_notes(),
        })
    }

    fn entry(&mut self, before: &[ConfigEntry]) -> Parsed<ConfigEntry> {
        let at = self.at();
        let name = match self.peek() {
            Some('"') => self.string()?,
            _ => self.word().to_owned(),
        };
        if name.is_empty() {
            return Err(self.expected("a setting", KEYS_HINT));
        }
        let fault = |message: String, hint| Fault { message, at, hint };
        if name == "open_maximized" {
            let hint = "change it in the settings window";
            return Err(fault("open_maximized cannot be set by a tag".into(), hint));
        }
        let key = ConfigKey::named(&name);
        let key = key.ok_or_else(|| fault(format!("unknown setting {name}"), KEYS_HINT))?;
        if before.iter().any(|entry| entry.key == key) {
            let message = format!("{} is set twice", key.name());
            return Err(fault(message, "leave out one of them"));
        }
        self.skip_space();
        if !self.eat(":") {
            return Err(self.expected("`:`", "an entry is key:\"value\""));
        }
        self.skip_space();
        if !matches!(self.peek(), Some('"' | '\'')) {
            return Err(self.expected("a value in quotes", "an entry is key:\"value\""));
        }
        Ok(ConfigEntry {
            key,
            at: self.at(),
            value: self.string()?,
        })
    }
}
