//! How values of the settings file are deserialized: each function accepts what
//! a key may be set to and says, in its error, what was expected and what was
//! found.

use std::fmt::{self, Display};
use std::marker::PhantomData;
use std::ops::RangeInclusive;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// The longest string that an error message shows, in bytes.
const MAX_SHOWN_BYTES: usize = 80;

/// What `read` makes of the value, else an error that says what was expected.
pub(super) fn accept<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    expected: impl Display,
    read: impl FnOnce(&Value) -> Option<T>,
) -> Result<T, D::Error> {
    let value = Value::deserialize(deserializer)?;
    read(&value)
        .ok_or_else(|| D::Error::custom(format!("expected {expected}, found {}", shown(&value))))
}

/// A value as an error message shows it.
fn shown(value: &Value) -> String {
    match value {
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) if text.len() <= MAX_SHOWN_BYTES => format!("{text:?}"),
        Value::String(_) => "string".into(),
        Value::Array(_) => "array".into(),
        Value::Object(_) => "table".into(),
        // TOML has no null: serde_json has none but finite numbers.
        Value::Null => "a number that is not finite".into(),
    }
}

/// A table, not an array of the values of its keys, which serde accepts as well.
pub(super) fn section<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct Section<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Section<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a section")
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
            T::deserialize(MapAccessDeserializer::new(map))
        }
    }

    deserializer.deserialize_map(Section(PhantomData))
}

/// A string.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    accept(deserializer, "a string", |value| {
        value.as_str().map(str::to_owned)
    })
    .map(Some)
}

/// A string with more in it than white space.
pub(super) fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    accept(deserializer, "a string with something in it", |value| {
        let text = value.as_str().filter(|text| !text.trim().is_empty());
        text.map(str::to_owned)
    })
    .map(Some)
}

/// `true` or `false`.
pub(super) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    accept(deserializer, "true or false", Value::as_bool)
}

/// As [`flag`], for a key that need not be set.
pub(super) fn some_flag<'de, D>(deserializer: D) -> Result<Option<bool>, D::Error>
where
    D: Deserializer<'de>,
{
    flag(deserializer).map(Some)
}

/// One of `choices`, by its name.
pub(super) fn choice<'de, D: Deserializer<'de>, T: Copy>(
    deserializer: D,
    choices: &[(&str, T)],
) -> Result<T, D::Error> {
    let names: Vec<_> = choices
        .iter()
        .map(|(name, _)| format!("{name:?}"))
        .collect();
    let expected = match names.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} or {last}", others.join(", ")),
        _ => names.concat(),
    };
    accept(deserializer, expected, |value| {
        let choice = choices.iter().find(|(name, _)| value == name);
        choice.map(|(_, choice)| *choice)
    })
}

/// A number in `range`.
pub(super) fn number<'de, D: Deserializer<'de>>(
    deserializer: D,
    range: &RangeInclusive<f64>,
) -> Result<Option<f64>, D::Error> {
    let expected = format!("a number from {} to {}", range.start(), range.end());
    accept(deserializer, expected, |value| {
        value.as_f64().filter(|number| range.contains(number))
    })
    .map(Some)
}

/// An integer in `range`.
pub(super) fn integer_in<'de, D, T>(
    deserializer: D,
    range: &RangeInclusive<T>,
) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Display + PartialOrd + TryFrom<i64>,
{
    let expected = format!("an integer from {} to {}", range.start(), range.end());
    accept(deserializer, expected, |value| {
        let number = T::try_from(value.as_i64()?).ok();
        number.filter(|number| range.contains(number))
    })
}

/// An integer from `LEAST` to `MOST`.
pub(super) fn integer<'de, D, T, const LEAST: u32, const MOST: u32>(
    deserializer: D,
) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<u32>,
{
    let number = integer_in(deserializer, &(LEAST..=MOST))?;
    T::try_from(number).map_err(|_| D::Error::custom("too large for this machine"))
}

/// As [`integer`], for a key that need not be set.
pub(super) fn some_integer<'de, D, T, const LEAST: u32, const MOST: u32>(
    deserializer: D,
) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<u32>,
{
    integer::<_, _, LEAST, MOST>(deserializer).map(Some)
}
