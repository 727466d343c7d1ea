//! The section `[editor]`: how an editor looks that goes by these settings.

use serde::Serialize;
use toml_edit::TableLike;

use super::section::{Section, Wrong};
use crate::tags::settings::{FONT_SIZE, PADDING, SCROLL_SPEED, colour};

/// How an editor looks. What is not set is up to the editor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct EditorSettings {
    /// The family of its font.
    pub font: Option<String>,
    /// The size of the font, in points.
    pub font_size: Option<u8>,
    /// The room around the text, in pixels.
    pub editor_padding: Option<u8>,
    /// The room around line numbers, in pixels.
    pub line_number_padding: Option<u8>,
    /// The colour of the text, as Tk writes it.
    pub fg_color: Option<String>,
    /// The colour behind the text, as Tk writes it.
    pub bg_color: Option<String>,
    /// The colour of the caret, as Tk writes it.
    pub caret_color: Option<String>,
    /// The colour behind selected text, as Tk writes it.
    pub selection_color: Option<String>,
    /// How fast it scrolls.
    pub scroll_speed: Option<u8>,
    /// The language in which spelling is checked.
    pub spell_lang: Option<String>,
}

impl EditorSettings {
    const KEYS: [&str; 10] = [
        "font",
        "font_size",
        "editor_padding",
        "line_number_padding",
        "fg_color",
        "bg_color",
        "caret_color",
        "selection_color",
        "scroll_speed",
        "spell_lang",
    ];
}

/// What the section says.
pub(super) fn read(table: &dyn TableLike) -> Result<EditorSettings, Wrong> {
    let section = Section::new("editor", table, &EditorSettings::KEYS)?;
    let colour = |key: &str| match section.text(key)? {
        None => Ok(None),
        Some(text) => colour(&text)
            .map(Some)
            .map_err(|what| section.wrong(key, what)),
    };
    Ok(EditorSettings {
        font: section.name("font")?,
        font_size: section.integer("font_size", &FONT_SIZE)?,
        editor_padding: section.integer("editor_padding", &PADDING)?,
        line_number_padding: section.integer("line_number_padding", &PADDING)?,
        fg_color: colour("fg_color")?,
        bg_color: colour("bg_color")?,
        caret_color: colour("caret_color")?,
        selection_color: colour("selection_color")?,
        scroll_speed: section.integer("scroll_speed", &SCROLL_SPEED)?,
        spell_lang: section.name("spell_lang")?,
    })
}
