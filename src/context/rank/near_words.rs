//! The words near the cursor, by which names are judged that nothing else tells.

use rustc_hash::FxHashMap;

use crate::context::buffer::Buffer;
use crate::context::weights::{
    WORD_AFTER, WORD_AFTER_LINES, WORD_BEFORE_DECAY, WORD_BEFORE_LINES, WORD_OF_FILE,
    WORD_OF_FUNCTION, WORD_TYPED,
};
use crate::index::terms::{name_words, terms};

/// The words near the cursor in lower case, with weights.
pub(super) struct NearWords(FxHashMap<String, f32>);

/// Words that say nothing of what comes next.
const COMMON: [&str; 24] = [
    "this",
    "function",
    "public",
    "private",
    "protected",
    "static",
    "return",
    "array",
    "string",
    "int",
    "bool",
    "float",
    "void",
    "null",
    "true",
    "false",
    "new",
    "class",
    "self",
    "foreach",
    "else",
    "isset",
    "empty",
    "get",
];

impl NearWords {
    pub(super) fn new(buffer: &Buffer<'_>) -> Self {
        let mut words = Self(FxHashMap::default());
        let content = buffer.content;
        let before = content[..buffer.word_start].lines().rev();
        for (distance, line) in before.take(WORD_BEFORE_LINES).enumerate() {
            words.add(line, 1.0 / (1.0 + WORD_BEFORE_DECAY * distance as f32));
        }
        for line in content[buffer.after..].lines().take(WORD_AFTER_LINES) {
            words.add(line, WORD_AFTER);
        }
        words.add(buffer.typed, WORD_TYPED);
        words.add(buffer.method_name(), WORD_OF_FUNCTION);
        let file = buffer.path.rsplit('/').next().unwrap_or(buffer.path);
        words.add(file.split('.').next().unwrap_or(file), WORD_OF_FILE);
        words
    }

    /// Adds the words of `text`; the greatest weight of a word counts.
    fn add(&mut self, text: &str, weight: f32) {
        terms(text, |term| {
            let is_word = term.len() > 2 && !term.bytes().any(|byte| byte.is_ascii_uppercase());
            if is_word && !term.contains('_') && !COMMON.contains(&term) {
                let known = self.0.entry(term.to_owned()).or_default();
                *known = known.max(weight);
            }
        });
    }

    /// The weights of the words of `name` that stand near the cursor, added up.
    pub(super) fn shared(&self, name: &str) -> f32 {
        let mut shared = 0.0;
        name_words(name, |word| {
            shared += self.0.get(word).copied().unwrap_or(0.0);
        });
        shared
    }

    /// The word `word`, which is in lower case, with its weight, if it stands near the
    /// cursor.
    pub(super) fn find(&self, word: &str) -> Option<(&str, f32)> {
        let (word, weight) = self.0.get_key_value(word)?;
        Some((word, *weight))
    }

    /// The words with their weights, in the order of words.
    pub(super) fn all(&self) -> Vec<(&str, f32)> {
        let mut all: Vec<(&str, f32)> = self.0.iter().map(|(word, w)| (&**word, *w)).collect();
        all.sort_unstable_by(|a, b| a.0.cmp(b.0));
        all
    }
}
