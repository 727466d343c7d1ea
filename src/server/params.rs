//! Reading typed parameters. Errors name the parameter and say what was expected
//! and what was found.

use std::collections::BTreeMap;
use std::iter;

use serde::Deserialize;
use serde::de::value::MapDeserializer;
use serde_json::value::RawValue;

use crate::rpc::{Error, JsonKind};

/// The parameters of one call, by name. Methods ignore unknown parameters, so
/// that newer clients can speak to older servers.
#[derive(Debug, Default)]
pub(super) struct Params<'a>(BTreeMap<String, &'a RawValue>);

impl<'a> Params<'a> {
    /// Reads an object of parameters. No parameters are an empty object.
    pub(super) fn read(raw: Option<&'a RawValue>) -> Result<Self, Error> {
        let Some(raw) = raw else {
            return Ok(Self::default());
        };
        if JsonKind::of(raw) != JsonKind::Object {
            let found = JsonKind::of(raw);
            let message = format!("params: expected an object, found {found}");
            return Err(Error::invalid_params(message));
        }
        serde_json::from_str(raw.get())
            .map(Self)
            .map_err(|e| Error::invalid_params(format!("params: {e}")))
    }

    /// The parameter as written.
    pub(super) fn raw(&self, name: &str, expected: &str) -> Result<&'a RawValue, Error> {
        self.0.get(name).copied().ok_or_else(|| {
            Error::invalid_params(format!("{name}: expected {expected}, found nothing"))
        })
    }

    /// A parameter that must be there. `expected` describes it in the error.
    pub(super) fn required<T: Deserialize<'a>>(
        &self,
        name: &str,
        expected: &str,
    ) -> Result<T, Error> {
        let raw = self.raw(name, expected)?;
        serde_json::from_str(raw.get()).map_err(|_| wrong(name, expected, raw))
    }

    /// A parameter that may be missing. `null` is not missing but wrong.
    pub(super) fn optional<T: Deserialize<'a>>(
        &self,
        name: &str,
        expected: &str,
    ) -> Result<Option<T>, Error> {
        match self.0.contains_key(name) {
            true => self.required(name, expected).map(Some),
            false => Ok(None),
        }
    }

    /// All parameters except those in `taken`, as one value whose fields all have
    /// defaults.
    pub(super) fn others<T: Deserialize<'a>>(&self, taken: &[&str]) -> Result<T, Error> {
        let others = || {
            let named = self.0.iter().map(|(name, raw)| (name.as_str(), *raw));
            named.filter(|(name, _)| !taken.contains(name))
        };
        T::deserialize(MapDeserializer::new(others())).map_err(|error: serde_json::Error| {
            // Reads each parameter on its own to find the wrong one.
            let mut each = others().filter_map(|(name, raw)| {
                let alone = MapDeserializer::new(iter::once((name, raw)));
                let error: serde_json::Error = T::deserialize(alone).err()?;
                Some(wrong_field(name, &error.to_string(), raw))
            });
            each.next()
                .unwrap_or_else(|| Error::invalid_params(format!("params: {error}")))
        })
    }

    /// A count, which may be missing. An integer above 64 bits counts as the
    /// largest.
    pub(super) fn count(&self, name: &str) -> Result<Option<u64>, Error> {
        let Some(raw) = self.0.get(name) else {
            return Ok(None);
        };
        if raw.get().bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Some(raw.get().parse().unwrap_or(u64::MAX)))
        } else {
            Err(wrong(name, "an integer of 0 or more", raw))
        }
    }
}

/// The error for a parameter for which serde has the message `what`.
fn wrong_field(name: &str, what: &str, raw: &RawValue) -> Error {
    // Drops the line and column, which count from the start of the value.
    let what = what.split(" at line ").next().unwrap_or(what);
    match what.split_once(", expected ") {
        Some((found, expected)) if found.starts_with("invalid ") => {
            let expected = match expected {
                "u8" => "an integer from 0 to 255",
                "u64" | "usize" => "an integer of 0 or more",
                "f32" | "f64" => "a number",
                "a boolean" => "true or false",
                "path string" => "a path",
                "a sequence" => "an array",
                other => other,
            };
            wrong(name, expected, raw)
        }
        _ => Error::invalid_params(format!("{name}: {what}")),
    }
}

fn wrong(name: &str, expected: &str, raw: &RawValue) -> Error {
    // Shows short values, so that 1.5 and -1 are not both "a number".
    let found = match JsonKind::of(raw) {
        JsonKind::Number | JsonKind::Boolean | JsonKind::String if raw.get().len() <= 40 => {
            raw.get().into()
        }
        kind => kind.to_string(),
    };
    Error::invalid_params(format!("{name}: expected {expected}, found {found}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(value: &str) -> Result<Option<u64>, String> {
        let raw = RawValue::from_string(format!(r#"{{"n":{value}}}"#)).unwrap();
        let params = Params::read(Some(&raw)).unwrap();
        params.count("n").map_err(|e| e.to_string())
    }

    #[test]
    fn a_count_is_an_integer_of_any_size() {
        assert_eq!(count("0"), Ok(Some(0)));
        assert_eq!(count("12345678901234567890123"), Ok(Some(u64::MAX)));
        for wrong in ["-1", "1.0", "1e3", "null", "\"1\"", "[1]", "true"] {
            let message = count(wrong).unwrap_err();
            assert!(
                message.starts_with("n: expected an integer of 0 or more, found "),
                "{message}"
            );
        }
    }

    #[test]
    fn parameters_are_an_object_or_absent() {
        assert!(Params::read(None).unwrap().count("n").unwrap().is_none());
        let raw = RawValue::from_string("[1]".into()).unwrap();
        let message = Params::read(Some(&raw)).unwrap_err().to_string();
        assert_eq!(
            message,
            "params: expected an object, found an array (-32602)"
        );
    }
}
