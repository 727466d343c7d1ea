//! The language of FIMpad tags, without any I/O.
//!
//! A tag stands between `[[[` and `]]]`. Its first character decides its kind. A
//! digit begins a *FIM* tag, which a model replaces by generated text. The words
//! `prefix`, `PREFIX`, `suffix` and `SUFFIX` bound the text that the model is shown.
//! `(` begins a comment, and `{` a *config* tag, which changes settings. White space
//! may stand behind `[[[` and before `]]]`. All other text is plain text.
//!
//! Parsing never fails: text that begins like a tag but is malformed becomes
//! [`TagKind::Invalid`], with the reason. The tags and the plain text between them
//! tile the document. Offsets inside a tag count from its start, so an edit before
//! the tag moves it as a whole.

mod code;
mod config;
mod document;
mod fault;
mod fim;
mod function;
mod parser;
pub mod ranges;
mod scan;
pub mod server_url;
pub mod settings;
pub mod stop;
mod tag;
#[cfg(test)]
mod tests;
pub mod tk;
mod window;

pub use self::code::{CodeRanges, TextFormat};
pub use self::config::{Config, ConfigEntry, ConfigKey};
pub use self::document::{Tags, Tile};
pub use self::fault::{Fault, Note, NoteKind};
pub use self::fim::{Fim, FunctionCall};
pub use self::function::{Arg, TagFunction};
pub use self::stop::Stop;
pub use self::tag::{Boundary, Side, Tag, TagKind};
pub use self::window::{Edit, TagPrompt, TagWindow};
