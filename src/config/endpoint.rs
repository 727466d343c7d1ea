//! The section `[endpoint]`: the model server, and how it is asked.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use toml_edit::TableLike;

use super::api_key::ApiKey;
use super::section::{Section, Wrong};
use crate::model::{DEFAULT_FAMILY, Families, Family};
use crate::tags::settings::{TEMPERATURE, TOP_P, server_url};

/// How long anything may take, in milliseconds: up to an hour.
const TIMEOUT_MS: RangeInclusive<u64> = 1..=3_600_000;

/// The model server, and how it is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Endpoint {
    /// Where it is: a base URL, to which the path of the kind is added unless
    /// it ends in it already.
    pub url: String,
    /// What it understands.
    pub kind: EndpointKind,
    /// What it is to call the model; without one it is not told.
    pub model: Option<String>,
    /// The key that it asks for. That of the environment variable
    /// `FIMD_API_KEY`, if it is set and not empty, else of the file.
    pub api_key: Option<ApiKey>,
    /// The family of the model, with the tokens in place that the settings
    /// give: `prefix`, `suffix` and `middle`, each of which may be empty.
    pub family: Family,
    /// How random its choices are; without one as the server has it.
    pub temperature: Option<f64>,
    /// From how much of the probability it chooses; without one as the server
    /// has it.
    pub top_p: Option<f64>,
    /// How long connecting to it may take, in milliseconds.
    pub connect_timeout_ms: u64,
    /// How long it may take to begin its answer, in milliseconds.
    pub first_byte_timeout_ms: u64,
    /// How long it may pause within its answer, in milliseconds.
    pub idle_timeout_ms: u64,
    /// Whether a tag in a document may name a server on another machine.
    pub allow_remote_endpoints: bool,
}

/// What a model server understands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum EndpointKind {
    /// OpenAI's `/v1/completions`, given one text with the tokens in it.
    #[default]
    Completions,
    /// llama.cpp's `/infill`, given both sides.
    Infill,
    /// Ollama's `/api/generate`, given both sides.
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
            allow_remote_endpoints: false,
        }
    }
}

impl Endpoint {
    const KEYS: [&str; 14] = [
        "url",
        "kind",
        "model",
        "api_key",
        "family",
        "fim_prefix",
        "fim_suffix",
        "fim_middle",
        "temperature",
        "top_p",
        "connect_timeout_ms",
        "first_byte_timeout_ms",
        "idle_timeout_ms",
        "allow_remote_endpoints",
    ];
}

/// What the section says.
pub(super) fn read(table: &dyn TableLike, families: &Families) -> Result<Endpoint, Wrong> {
    let section = Section::new("endpoint", table, &Endpoint::KEYS)?;
    let default = Endpoint::default();
    let url = match section.text("url")? {
        None => default.url,
        Some(url) => match server_url(&url) {
            Ok(_) => url,
            Err(what) => return Err(section.wrong("url", what)),
        },
    };
    let kind = section.get("kind", r#""completions", "infill" or "ollama""#, |item| {
        Some(match item.as_str()? {
            "completions" => EndpointKind::Completions,
            "infill" => EndpointKind::Infill,
            "ollama" => EndpointKind::Ollama,
            _ => return None,
        })
    })?;
    let api_key = match table.get("api_key").map(|item| item.as_str()) {
        None => None,
        Some(Some(key)) if !key.trim().is_empty() => Some(ApiKey::from(key.to_owned())),
        // What it is does not show, whatever it is.
        Some(_) => return Err(section.wrong("api_key", "expected a string with something in it")),
    };
    let timeout = |key: &str, default: u64| {
        let timeout = section.integer(key, &TIMEOUT_MS)?;
        Ok(timeout.unwrap_or(default))
    };
    Ok(Endpoint {
        url,
        kind: kind.unwrap_or_default(),
        model: section.name("model")?,
        api_key,
        family: family(&section, families)?,
        temperature: section.number("temperature", &TEMPERATURE)?,
        top_p: section.number("top_p", &TOP_P)?,
        connect_timeout_ms: timeout("connect_timeout_ms", default.connect_timeout_ms)?,
        first_byte_timeout_ms: timeout("first_byte_timeout_ms", default.first_byte_timeout_ms)?,
        idle_timeout_ms: timeout("idle_timeout_ms", default.idle_timeout_ms)?,
        allow_remote_endpoints: section.flag("allow_remote_endpoints")?.unwrap_or(false),
    })
}

/// The family that the section names, with its own tokens in place.
fn family(section: &Section<'_>, families: &Families) -> Result<Family, Wrong> {
    let name = section.text("family")?;
    let name = name.as_deref().unwrap_or(DEFAULT_FAMILY);
    let mut family = families.get(name).cloned().ok_or_else(|| {
        let known = families.names(|_| true);
        section.wrong("family", format!("expected one of {known}, found {name:?}"))
    })?;
    for (key, token) in [
        ("fim_prefix", &mut family.prefix),
        ("fim_suffix", &mut family.suffix),
        ("fim_middle", &mut family.middle),
    ] {
        if let Some(text) = section.text(key)? {
            *token = text;
        }
    }
    Ok(family)
}
