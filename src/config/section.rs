//! Reading a section of the settings file key by key, with errors that name
//! the key, the place, what was expected and what was found.

use std::fmt::Display;
use std::ops::{Range, RangeInclusive};

use toml_edit::{Item, TableLike, Value};

/// What is wrong with a settings file.
pub(super) struct Wrong {
    /// The byte where it stands.
    pub(super) at: usize,
    pub(super) what: String,
}

impl Wrong {
    pub(super) fn new(at: Option<Range<usize>>, what: String) -> Self {
        let at = at.map_or(0, |span| span.start);
        Self { at, what }
    }
}

/// Where the key stands, or, if that is not known, its value.
pub(super) fn place(table: &dyn TableLike, key: &str, item: &Item) -> Option<Range<usize>> {
    let key = table.key(key).and_then(|key| key.span());
    key.or_else(|| item.span())
}

/// A section, all of whose keys are known.
pub(super) struct Section<'a> {
    name: &'static str,
    table: &'a dyn TableLike,
}

impl<'a> Section<'a> {
    /// The section `name`, which may have `keys` and no others.
    pub(super) fn new(
        name: &'static str,
        table: &'a dyn TableLike,
        keys: &[&str],
    ) -> Result<Self, Wrong> {
        for (key, item) in table.iter() {
            if !keys.contains(&key) {
                let expected = match keys {
                    [only] => (*only).to_owned(),
                    several => format!("one of {}", several.join(", ")),
                };
                let what = format!("{name}.{key}: unknown; expected {expected}");
                return Err(Wrong::new(place(table, key, item), what));
            }
        }
        Ok(Self { name, table })
    }

    /// What `read` makes of the value of `key`, if the section has it.
    pub(super) fn get<T>(
        &self,
        key: &str,
        expected: impl Display,
        read: impl FnOnce(&'a Item) -> Option<T>,
    ) -> Result<Option<T>, Wrong> {
        let Some(item) = self.table.get(key) else {
            return Ok(None);
        };
        let wrong = || self.wrong(key, format!("expected {expected}, found {}", found(item)));
        read(item).map(Some).ok_or_else(wrong)
    }

    /// A text, if the section has one.
    pub(super) fn text(&self, key: &str) -> Result<Option<String>, Wrong> {
        self.get(key, "a string", |item| item.as_str().map(str::to_owned))
    }

    /// A text that is not empty, if the section has one.
    pub(super) fn name(&self, key: &str) -> Result<Option<String>, Wrong> {
        self.get(key, "a string with something in it", |item| {
            let text = item.as_str().filter(|text| !text.trim().is_empty());
            text.map(str::to_owned)
        })
    }

    /// `true` or `false`, if the section says.
    pub(super) fn flag(&self, key: &str) -> Result<Option<bool>, Wrong> {
        self.get(key, "true or false", Item::as_bool)
    }

    /// A number of `range`, if the section has one.
    pub(super) fn number(
        &self,
        key: &str,
        range: &RangeInclusive<f64>,
    ) -> Result<Option<f64>, Wrong> {
        let expected = format!("a number from {} to {}", range.start(), range.end());
        self.get(key, expected, |item| {
            // Who writes 1 means 1.0; the bounds are far below 2^53.
            let whole = item.as_integer().map(|whole| whole as f64);
            item.as_float()
                .or(whole)
                .filter(|number| range.contains(number))
        })
    }

    /// An integer of `range`, if the section has one.
    pub(super) fn integer<T>(
        &self,
        key: &str,
        range: &RangeInclusive<T>,
    ) -> Result<Option<T>, Wrong>
    where
        T: Display + PartialOrd + TryFrom<i64>,
    {
        let expected = format!("an integer from {} to {}", range.start(), range.end());
        self.get(key, expected, |item| {
            let number = T::try_from(item.as_integer()?).ok();
            number.filter(|number| range.contains(number))
        })
    }

    /// The fault of a key, which is said to be `what`.
    pub(super) fn wrong(&self, key: &str, what: impl Display) -> Wrong {
        let item = self.table.get(key);
        let at = item.and_then(|item| place(self.table, key, item));
        Wrong::new(at, format!("{}.{key}: {what}", self.name))
    }
}

/// A value as an error message shows it: short ones as they are written.
fn found(item: &Item) -> String {
    match item.as_value() {
        Some(Value::Integer(number)) => number.value().to_string(),
        Some(Value::Float(number)) => number.value().to_string(),
        Some(Value::Boolean(flag)) => flag.value().to_string(),
        Some(Value::String(text)) if text.value().len() <= 80 => format!("{:?}", text.value()),
        _ => item.type_name().to_owned(),
    }
}
