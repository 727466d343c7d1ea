//! The ranges of numeric settings, in config tags and in the settings file.

use std::ops::RangeInclusive;

/// The temperature of a model.
pub const TEMPERATURE: RangeInclusive<f64> = 0.0..=2.0;
/// The probability mass of nucleus sampling.
pub const TOP_P: RangeInclusive<f64> = 0.0..=1.0;
/// The size of a font, in points.
pub const FONT_SIZE: RangeInclusive<u8> = 6..=72;
/// A padding, in pixels.
pub const PADDING: RangeInclusive<u8> = 0..=200;
/// The speed of scrolling.
pub const SCROLL_SPEED: RangeInclusive<u8> = 1..=10;
