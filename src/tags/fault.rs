//! What is reported about a tag: the fault of an invalid one, and notes on a
//! valid one.

/// The fault of a malformed tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What was expected and what was found, in one line.
    pub message: String,
    /// Its position, in bytes from the tag's start.
    pub at: usize,
    /// How to correct it.
    pub hint: &'static str,
}

/// A note on a valid tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The kind of the note.
    pub kind: NoteKind,
    /// The note, in one line.
    pub message: String,
    /// Its position, in bytes from the tag's start.
    pub at: usize,
}

/// The kind of a note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoteKind {
    /// fimd understands this, but FIMpad's specification does not have it.
    Extension,
    /// The tag does not do what it seems to say.
    Warning,
}
