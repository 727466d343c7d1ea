//! The section `[editor]`: the appearance of an editor that follows these settings.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

use super::values::{integer_in, name, text};
use crate::tags::ranges::{FONT_SIZE, PADDING, SCROLL_SPEED};
use crate::tags::settings::colour;

/// The appearance of an editor. The editor decides about values that are not set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EditorSettings {
    /// The family of its font.
    #[serde(deserialize_with = "name")]
    pub font: Option<String>,
    /// The size of the font, in points.
    #[serde(deserialize_with = "font_size")]
    pub font_size: Option<u8>,
    /// The padding around the text, in pixels.
    #[serde(deserialize_with = "padding")]
    pub editor_padding: Option<u8>,
    /// The padding around line numbers, in pixels.
    #[serde(deserialize_with = "padding")]
    pub line_number_padding: Option<u8>,
    /// The colour of the text, in the notation of Tk.
    #[serde(deserialize_with = "color")]
    pub fg_color: Option<String>,
    /// The background colour, in the notation of Tk.
    #[serde(deserialize_with = "color")]
    pub bg_color: Option<String>,
    /// The colour of the caret, in the notation of Tk.
    #[serde(deserialize_with = "color")]
    pub caret_color: Option<String>,
    /// The background colour of selected text, in the notation of Tk.
    #[serde(deserialize_with = "color")]
    pub selection_color: Option<String>,
    /// The speed of scrolling.
    #[serde(deserialize_with = "scroll_speed")]
    pub scroll_speed: Option<u8>,
    /// The language in which spelling is checked.
    #[serde(deserialize_with = "name")]
    pub spell_lang: Option<String>,
}

fn font_size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u8>, D::Error> {
    integer_in(deserializer, &FONT_SIZE).map(Some)
}

fn padding<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u8>, D::Error> {
    integer_in(deserializer, &PADDING).map(Some)
}

fn scroll_speed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u8>, D::Error> {
    integer_in(deserializer, &SCROLL_SPEED).map(Some)
}

/// A colour in the notation of Tk.
fn color<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    match text(deserializer)? {
        None => Ok(None),
        Some(text) => colour(&text).map(Some).map_err(D::Error::custom),
    }
}
