//! The section `[endpoint]`: the model server, and the values of its requests.

use std::ops::RangeInclusive;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::api_key::ApiKey;
use super::place::EndpointPlace;
use super::values::{choice, flag, integer_in, name, number, text};
use crate::model::{Families, Family};
use crate::tags::ranges::{TEMPERATURE, TOP_P};
use crate::tags::server_url::server_url;

/// The range of timeouts, in milliseconds: up to one hour.
const TIMEOUT_MS: RangeInclusive<u64> = 1..=3_600_000;

/// The model server, and the values of its requests.
#[derive(Clone, Debug, PartialEq)]
pub struct Endpoint {
    /// Its base URL. The path of the kind is appended unless the URL ends with it.
    pub url: String,
    /// The API of the server.
    pub kind: EndpointKind,
    /// The name of the model in requests; none to send no name.
    pub model: Option<String>,
    /// The API key: the environment variable `FIMD_API_KEY`, if it is set and not empty,
    /// else the key in the file.
    pub api_key: Option<ApiKey>,
    /// The family of the model. The settings may replace its tokens `prefix`, `suffix`
    /// and `middle`, each of which may be empty.
    pub family: Family,
    /// The temperature; none for the default of the server.
    pub temperature: Option<f64>,
    /// The probability mass of nucleus sampling; none for the default of the server.
    pub top_p: Option<f64>,
    /// The time limit for connecting, in milliseconds.
    pub connect_timeout_ms: u64,
    /// The time limit for the first text of an answer, in milliseconds.
    pub first_byte_timeout_ms: u64,
    /// The time limit for a pause between texts of an answer, in milliseconds.
    pub idle_timeout_ms: u64,
    /// The time limit for a whole answer, in milliseconds.
    pub total_timeout_ms: u64,
    /// Whether a config tag may name a server on another machine.
    pub allow_remote_endpoints: bool,
    /// Where a user changes all this, for messages.
    pub place: EndpointPlace,
}

/// The API of a model server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum EndpointKind {
    /// OpenAI's `/v1/completions`; the prompt is one text with the FIM tokens.
    #[default]
    Completions,
    /// llama.cpp's `/infill`; the server is sent prefix and suffix.
    Infill,
    /// Ollama's `/api/generate`; the server is sent prefix and suffix.
    Ollama,
}

impl Default for Endpoint {
    fn default() -> Self {
        Self {
            url: "http://127.0.0.1:8080".into(),
            kind: EndpointKind::default(),
            model: None,
            api_key: None,
            family: Family::default(),
            temperature: None,
            top_p: None,
            connect_timeout_ms: 2_000,
            first_byte_timeout_ms: 30_000,
            idle_timeout_ms: 15_000,
            total_timeout_ms: 600_000,
            allow_remote_endpoints: false,
            place: EndpointPlace::default(),
        }
    }
}

/// The section as it is written, in the settings file or in a client's settings: what
/// is not written is none. The family stands there by its name, beside the tokens that
/// replace those of the family.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct EndpointSection {
    #[serde(deserialize_with = "url")]
    url: Option<String>,
    #[serde(deserialize_with = "kind")]
    kind: Option<EndpointKind>,
    #[serde(deserialize_with = "name")]
    model: Option<String>,
    #[serde(deserialize_with = "api_key")]
    api_key: Option<ApiKey>,
    #[serde(deserialize_with = "text")]
    family: Option<String>,
    #[serde(deserialize_with = "text")]
    fim_prefix: Option<String>,
    #[serde(deserialize_with = "text")]
    fim_suffix: Option<String>,
    #[serde(deserialize_with = "text")]
    fim_middle: Option<String>,
    #[serde(deserialize_with = "temperature")]
    temperature: Option<f64>,
    #[serde(deserialize_with = "top_p")]
    top_p: Option<f64>,
    #[serde(deserialize_with = "timeout_ms")]
    connect_timeout_ms: Option<u64>,
    #[serde(deserialize_with = "timeout_ms")]
    first_byte_timeout_ms: Option<u64>,
    #[serde(deserialize_with = "timeout_ms")]
    idle_timeout_ms: Option<u64>,
    #[serde(deserialize_with = "timeout_ms")]
    total_timeout_ms: Option<u64>,
    #[serde(deserialize_with = "allow_remote_endpoints")]
    allow_remote_endpoints: Option<bool>,
}

impl EndpointSection {
    /// Whether the section says which model is asked.
    pub(super) fn names_model(&self) -> bool {
        self.url.is_some() || self.model.is_some()
    }

    /// Whether the section has an API key for a server that it does not name.
    pub(super) fn has_key_alone(&self) -> bool {
        self.api_key.is_some() && self.url.is_none()
    }

    /// Whether a config tag may name a server on another machine, if the section says
    /// so.
    pub(super) fn allows_remote_endpoints(&self) -> Option<bool> {
        self.allow_remote_endpoints
    }

    /// `base` with what the section sets, and the family from `families`. The key of
    /// `base` belongs to its server, and its control tokens belong to its family: both
    /// go with them.
    ///
    /// # Errors
    /// If there is no such family; the message is for the key `family`.
    pub(super) fn over(self, base: Endpoint, families: &Families) -> Result<Endpoint, String> {
        let mut family = match &self.family {
            Some(name) => families.get(name).cloned().ok_or_else(|| {
                let known = families.names(|_| true);
                format!("expected one of {known}, found {name:?}")
            })?,
            None => base.family,
        };
        for (token, own) in [
            (&mut family.prefix, self.fim_prefix),
            (&mut family.suffix, self.fim_suffix),
            (&mut family.middle, self.fim_middle),
        ] {
            if let Some(own) = own {
                *token = own;
            }
        }
        let base_key = match &self.url {
            Some(url) if !is_same_server(url, &base.url) => None,
            _ => base.api_key,
        };
        Ok(Endpoint {
            url: self.url.unwrap_or(base.url),
            kind: self.kind.unwrap_or(base.kind),
            model: self.model.or(base.model),
            api_key: self.api_key.or(base_key),
            family,
            temperature: self.temperature.or(base.temperature),
            top_p: self.top_p.or(base.top_p),
            connect_timeout_ms: self.connect_timeout_ms.unwrap_or(base.connect_timeout_ms),
            first_byte_timeout_ms: self
                .first_byte_timeout_ms
                .unwrap_or(base.first_byte_timeout_ms),
            idle_timeout_ms: self.idle_timeout_ms.unwrap_or(base.idle_timeout_ms),
            total_timeout_ms: self.total_timeout_ms.unwrap_or(base.total_timeout_ms),
            allow_remote_endpoints: self
                .allow_remote_endpoints
                .unwrap_or(base.allow_remote_endpoints),
            place: base.place,
        })
    }
}

/// Whether two URLs have the same scheme, host and port.
pub(super) fn is_same_server(url: &str, other: &str) -> bool {
    match (server_url(url), server_url(other)) {
        (Ok(url), Ok(other)) => url.origin() == other.origin(),
        _ => false,
    }
}

fn url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let url = text(deserializer)?.unwrap_or_default();
    server_url(&url).map_err(D::Error::custom)?;
    Ok(Some(url))
}

fn kind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<EndpointKind>, D::Error> {
    let choices = [
        ("completions", EndpointKind::Completions),
        ("infill", EndpointKind::Infill),
        ("ollama", EndpointKind::Ollama),
    ];
    choice(deserializer, &choices).map(Some)
}

/// A string that is not blank. The error does not show the value, whatever it is.
fn api_key<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ApiKey>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::String(key) if !key.trim().is_empty() => Ok(Some(key.into())),
        _ => Err(D::Error::custom("expected a string with something in it")),
    }
}

fn temperature<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    number(deserializer, &TEMPERATURE)
}

fn top_p<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    number(deserializer, &TOP_P)
}

fn timeout_ms<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    integer_in(deserializer, &TIMEOUT_MS).map(Some)
}

fn allow_remote_endpoints<'de, D>(deserializer: D) -> Result<Option<bool>, D::Error>
where
    D: Deserializer<'de>,
{
    flag(deserializer).map(Some)
}
