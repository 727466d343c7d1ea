//! The settings that a client sends: some sections of the settings file, for this
//! client alone.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use toml_edit::ser::ValueSerializer;
use toml_edit::{DocumentMut, Item, Table, de};

use super::completion::CompletionSection;
use super::endpoint::EndpointSection;
use super::error::SettingFault;
use super::place::EndpointPlace;
use super::read::parse;
use super::values::section;
use super::{Settings, SettingsError};

/// The settings of one client. They override the settings file for that client.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClientSettings {
    #[serde(deserialize_with = "section")]
    endpoint: EndpointSection,
    #[serde(deserialize_with = "section")]
    completion: CompletionSection,
}

impl ClientSettings {
    /// The settings in `json`: an object with the objects `endpoint` and `completion`,
    /// whose keys are those of the settings file. What is null is not set.
    ///
    /// # Errors
    /// If a key is unknown or a value is invalid, and if a key for a model server has
    /// no URL beside it.
    pub fn read(json: &Value) -> Result<Self, SettingsError> {
        let text = match json {
            Value::Null => return Ok(Self::default()),
            Value::Object(sections) => toml(sections)?,
            _ => {
                let expected = "expected an object with `endpoint` and `completion`";
                return Err(SettingsError::of_client(expected));
            }
        };
        // As TOML, so that one reader knows the values, and how to say what is wrong.
        let document = parse(&text).map_err(SettingFault::in_client_settings)?;
        let own = Self::deserialize(de::Deserializer::from(document.clone()))
            .map_err(|error| SettingFault::data(&document, &error).in_client_settings())?;
        if own.endpoint.has_key_alone() {
            return Err(SettingsError::of_client(
                "endpoint.api_key: expected `url` beside it, because a key is for one server",
            ));
        }
        Ok(own)
    }

    /// Whether nothing is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a config tag may name a server on another machine, if the client says so.
    pub(super) fn allows_remote_endpoints(&self) -> Option<bool> {
        self.endpoint.allows_remote_endpoints()
    }

    /// The settings `file` with those of the client. The API key of the file is left
    /// out if the client names another server.
    ///
    /// # Errors
    /// If there is no such model family, or if family and style do not go together.
    pub fn over(&self, file: &Settings) -> Result<Settings, SettingsError> {
        let Self {
            endpoint,
            completion,
        } = self.clone();
        let mut base = file.endpoint.clone();
        if endpoint != EndpointSection::default() {
            base.place = EndpointPlace::Editor;
        }
        let mut sizes = file.completion.clone();
        if endpoint.names_model() {
            // It tells of the model of the file.
            sizes.tuned = None;
        }
        let endpoint = endpoint
            .over(base, &file.families)
            .map_err(|what| SettingsError::of_client(format!("endpoint.family: {what}")))?;
        let completion = completion.over(&sizes);
        completion
            .check(&endpoint)
            .map_err(|(key, what)| SettingsError::of_client(format!("completion.{key}: {what}")))?;
        Ok(Settings {
            endpoint,
            completion,
            ..file.clone()
        })
    }
}

impl Settings {
    /// The settings with those in `json`, which has the form of a client's settings,
    /// where a flag has set them.
    ///
    /// # Errors
    /// As [`ClientSettings::read`] and [`ClientSettings::over`], with the section and the
    /// key.
    pub fn with_flags(&self, json: &Value) -> Result<Self, SettingsError> {
        let read = ClientSettings::read(json).and_then(|own| own.over(self));
        let mut settings =
            read.map_err(|error| SettingsError(error.without_client().to_owned()))?;
        settings.endpoint.place = EndpointPlace::Flags(self.file.clone());
        Ok(settings)
    }
}

/// The sections as TOML, without what is null.
fn toml(sections: &Map<String, Value>) -> Result<String, SettingsError> {
    let mut document = DocumentMut::new();
    for (name, value) in sections {
        let item = match value {
            Value::Null => continue,
            Value::Object(keys) => {
                let mut table = Table::new();
                for (key, value) in keys.iter().filter(|(_, value)| !value.is_null()) {
                    table.insert(key, item(&format!("{name}.{key}"), value)?);
                }
                Item::Table(table)
            }
            value => item(name, value)?,
        };
        document.insert(name, item);
    }
    Ok(document.to_string())
}

/// The value of the key at `path` as TOML.
fn item(path: &str, value: &Value) -> Result<Item, SettingsError> {
    let value = value.serialize(ValueSerializer::new());
    let value = value.map_err(|error| SettingsError::of_client(format!("{path}: {error}")))?;
    Ok(Item::Value(value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn file(text: &str) -> Settings {
        crate::config::read::read(text).ok().unwrap()
    }

    fn over(text: &str, own: &Value) -> Settings {
        let own = ClientSettings::read(own).unwrap();
        own.over(&file(text)).unwrap()
    }

    #[test]
    fn what_the_client_does_not_set_is_the_files() {
        let text = "[endpoint]\nmodel = 'm'\ntop_p = 0.5\n[completion]\nmax_lines = 3\n";
        let own = json!({"endpoint": {"model": "own", "top_p": null}, "completion": null});
        let mut expected = file(&text.replace("'m'", "'own'"));
        expected.endpoint.place = EndpointPlace::Editor;
        assert_eq!(over(text, &own), expected);
        for nothing in [json!(null), json!({}), json!({"endpoint": {"url": null}})] {
            assert!(ClientSettings::read(&nothing).unwrap().is_empty());
            assert_eq!(over(text, &nothing), file(text));
        }
    }

    #[test]
    fn the_key_of_the_file_stays_with_its_server() {
        let text = "[endpoint]\nurl = 'https://a.example/v1'\napi_key = 'file'\n";
        let key = |endpoint: Value| {
            let endpoint = over(text, &json!({"endpoint": endpoint})).endpoint;
            endpoint.api_key.map(|key| key.reveal().to_owned())
        };
        for (url, sent) in [
            ("https://a.example/other", Some("file")),
            ("https://a.example:443", Some("file")),
            ("https://a.example:444/v1", None),
            ("http://a.example/v1", None),
            ("https://b.a.example/v1", None),
        ] {
            assert_eq!(key(json!({"url": url})).as_deref(), sent, "{url}");
            let own = key(json!({"url": url, "api_key": "own"}));
            assert_eq!(own.as_deref(), Some("own"));
        }
        assert_eq!(key(json!({"model": "m"})).as_deref(), Some("file"));
    }

    #[test]
    fn another_family_has_its_own_tokens() {
        let text = "[endpoint]\nfim_prefix = '<X>'\n[models.own]\nprefix = '<P>'\n\
                    suffix = '<S>'\nmiddle = '<M>'\nend = '<E>'\n";
        let prefix = |endpoint: Value| {
            let endpoint = over(text, &json!({"endpoint": endpoint})).endpoint;
            endpoint.family.prefix
        };
        assert_eq!(prefix(json!({"model": "m"})), "<X>");
        assert_eq!(prefix(json!({"family": "own"})), "<P>");
        let both = json!({"family": "own", "fim_prefix": "<Y>"});
        assert_eq!(prefix(both), "<Y>");
    }

    #[test]
    fn what_is_wrong_is_named_with_its_key() {
        for (own, said) in [
            (
                json!(5),
                "expected an object with `endpoint` and `completion`",
            ),
            (
                json!({"tags": {}}),
                "tags: unknown; expected [endpoint] or [completion]",
            ),
            (
                json!({"endpoint": 5}),
                "endpoint: expected a section, found integer",
            ),
            (
                json!({"endpoint": {"uri": "x"}}),
                "endpoint.uri: unknown; expected one of url, kind, *",
            ),
            (
                json!({"endpoint": {"url": "ftp://x"}}),
                "endpoint.url: expected http://HOST or https://HOST, found \"ftp://x\"",
            ),
            (
                json!({"completion": {"max_tokens": "9"}}),
                "completion.max_tokens: expected an integer from 1 to 16384, found \"9\"",
            ),
            (
                json!({"completion": {"max_tokens": u64::MAX}}),
                "completion.max_tokens: *",
            ),
            (
                json!({"completion": {"max_tokens": {"a": null}}}),
                "completion.max_tokens: *",
            ),
            (
                json!({"endpoint": {"api_key": "sk-1"}}),
                "endpoint.api_key: expected `url` beside it, *",
            ),
            (
                json!({"endpoint": {"api_key": 12345, "url": "http://x"}}),
                "endpoint.api_key: expected a string with something in it",
            ),
        ] {
            let error = ClientSettings::read(&own).unwrap_err().to_string();
            let error = error.strip_prefix("the editor's settings: ").unwrap();
            match said.strip_suffix('*') {
                Some(start) => assert!(error.starts_with(start), "{error}"),
                None => assert_eq!(error, said),
            }
            assert!(!error.contains("12345"), "{error}");
        }
    }

    #[test]
    fn what_does_not_go_with_the_file_is_named_with_its_key() {
        for (own, said) in [
            (
                json!({"endpoint": {"family": "nobody"}}),
                "the editor's settings: endpoint.family: expected one of qwen2.5-coder, ",
            ),
            (
                json!({"endpoint": {"family": "codellama"}}),
                "the editor's settings: completion.context_style: the family codellama has no",
            ),
        ] {
            let own = ClientSettings::read(&own).unwrap();
            let file = file("[completion]\ncontext_style = 'repo'\n");
            let error = own.over(&file).unwrap_err().to_string();
            assert!(error.starts_with(said), "{error}");
        }
    }
}
