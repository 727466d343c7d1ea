//! What the settings of a config tag may be.

use std::ops::RangeInclusive;

/// Temperatures.
pub const TEMPERATURE: RangeInclusive<f64> = 0.0..=2.0;
/// Shares of the probability that a model may choose from.
pub const TOP_P: RangeInclusive<f64> = 0.0..=1.0;
/// Sizes of a font, in points.
pub const FONT_SIZE: RangeInclusive<u8> = 6..=72;
/// Paddings, in pixels.
pub const PADDING: RangeInclusive<u8> = 0..=200;
/// Speeds of scrolling.
pub const SCROLL_SPEED: RangeInclusive<u8> = 1..=10;
