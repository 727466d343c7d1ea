//! The conditions of a run, as the command line names them.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::cli::setup::overrule_endpoint;
use crate::cli::{CliError, Setup};
use crate::config::{ContextSources, EndpointKind, Settings};
use crate::endpoint::LoraScale;
use crate::engine::completion::ModelServer;
use crate::model::{ContextStyle, FimFormat, OrderChoice};

/// The keys of a condition that are keys of `[completion]`.
const COMPLETION_KEYS: [&str; 8] = [
    "max_context_chars",
    "max_prefix_chars",
    "max_suffix_chars",
    "max_total_chars",
    "max_tokens",
    "max_lines",
    "order",
    "context_style",
];
/// Those of `[endpoint]`.
const ENDPOINT_KEYS: [&str; 3] = ["model", "family", "kind"];
/// The others.
const OTHER_KEYS: [&str; 2] = ["endpoint", "lora"];
/// Those that switch something on or off.
const SWITCHES: [&str; 3] = ["context", "dependencies", "bm25"];

/// How prompts are made and who is asked.
pub(super) struct Condition {
    /// Its name, unique in the run.
    pub(super) name: String,
    pub(super) settings: Arc<Settings>,
    pub(super) server: Arc<ModelServer>,
    /// The sources of contexts.
    pub(super) sources: ContextSources,
    /// The adapters of llama.cpp, if they are set.
    pub(super) lora: Vec<LoraScale>,
}

/// A condition as it is written: `NAME:KEY=VALUE,…`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct WrittenCondition {
    name: String,
    /// Its keys and values, in their order.
    keys: Vec<(String, String)>,
}

/// A model server as it is written: `NAME=URL`, or a URL alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NamedEndpoint {
    name: Option<String>,
    url: String,
}

impl std::str::FromStr for NamedEndpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_name = |name: &str| !name.is_empty() && !name.contains([':', '/', '?']);
        Ok(match text.split_once('=') {
            Some((name, url)) if is_name(name) => Self {
                name: Some(name.to_owned()),
                url: url.to_owned(),
            },
            _ => Self {
                name: None,
                url: text.to_owned(),
            },
        })
    }
}

impl std::str::FromStr for WrittenCondition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, keys) = text.split_once(':').unwrap_or((text, ""));
        if name.is_empty() || name.contains('=') {
            return Err(format!("expected NAME:KEY=VALUE,…, found {text:?}"));
        }
        let mut pairs: Vec<(String, String)> = Vec::new();
        for pair in keys.split(',').filter(|pair| !pair.is_empty()) {
            let Some((key, value)) = pair.split_once('=') else {
                return Err(format!("{name}: expected KEY=VALUE, found {pair:?}"));
            };
            let key = key.trim();
            let settings = || COMPLETION_KEYS.iter().chain(&ENDPOINT_KEYS);
            let known = || SWITCHES.iter().chain(settings()).chain(&OTHER_KEYS);
            if !known().any(|known| *known == key) {
                let known: Vec<&str> = known().copied().collect();
                return Err(format!(
                    "{name}: {key:?} is no key of a condition; expected one of {}",
                    known.join(", ")
                ));
            }
            if pairs.iter().any(|(other, _)| other == key) {
                return Err(format!("{name}: expected {key} once"));
            }
            pairs.push((key.to_owned(), value.trim().to_owned()));
        }
        Ok(Self {
            name: name.to_owned(),
            keys: pairs,
        })
    }
}

impl WrittenCondition {
    fn value(&self, key: &str) -> Option<&str> {
        let found = self.keys.iter().find(|(known, _)| known == key);
        found.map(|(_, value)| &**value)
    }

    /// Whether the switch `key` is on, if it is set.
    fn switch(&self, key: &str) -> Result<Option<bool>, CliError> {
        match self.value(key) {
            None => Ok(None),
            Some("on") => Ok(Some(true)),
            Some("off") => Ok(Some(false)),
            Some(other) => Err(self.wrong(&format!("{key}: expected on or off, found {other:?}"))),
        }
    }

    /// The error that says what is wrong with the condition.
    fn wrong(&self, what: &dyn std::fmt::Display) -> CliError {
        CliError::Usage(format!("--condition {}: {what}", self.name))
    }

    /// The adapters that it sets: `SCALE`, or `ID:SCALE+…`.
    fn lora(&self) -> Result<Vec<LoraScale>, CliError> {
        let Some(written) = self.value("lora") else {
            return Ok(Vec::new());
        };
        let one = |part: &str| {
            let (id, scale) = part.split_once(':').unwrap_or(("0", part));
            let (id, scale) = (id.parse().ok()?, scale.parse::<f64>().ok()?);
            scale.is_finite().then_some(LoraScale { id, scale })
        };
        let read: Option<Vec<LoraScale>> = written.split('+').map(one).collect();
        read.ok_or_else(|| {
            self.wrong(&format!(
                "lora: expected SCALE, or ID:SCALE+ID:SCALE for several adapters, found {written:?}"
            ))
        })
    }

    /// The sections of settings that it sets.
    fn sections(&self) -> Value {
        let section = |keys: &[&str]| {
            let set = keys.iter().filter_map(|key| {
                let value = self.value(key)?;
                let number = value.parse::<u64>().map(Value::from);
                Some(((*key).to_owned(), number.unwrap_or_else(|_| value.into())))
            });
            Value::Object(set.collect::<Map<_, _>>())
        };
        let mut endpoint = section(&ENDPOINT_KEYS);
        if let Some(model) = self.value("model") {
            // A name of digits is a name.
            endpoint["model"] = model.into();
        }
        json!({ "completion": section(&COMPLETION_KEYS), "endpoint": endpoint })
    }

    /// The condition over `settings`, under this `name`.
    fn over(&self, settings: &Settings, name: String) -> Result<Condition, CliError> {
        let mut settings = settings
            .with_flags(&self.sections())
            .map_err(|error| self.wrong(&error))?;
        if settings.completion.target_ms.take().is_some() {
            tracing::info!("target_ms is left out: prompts of one size can be compared");
        }
        let base = settings.context.sources;
        let mut sources = ContextSources {
            dependencies: self.switch("dependencies")?.unwrap_or(base.dependencies),
            bm25: self.switch("bm25")?.unwrap_or(base.bm25),
        };
        if self.switch("context")? == Some(false) {
            sources = ContextSources::NONE;
        }
        let settings = Arc::new(settings);
        let server = ModelServer::new(Arc::clone(&settings)).map_err(|error| self.wrong(&error))?;
        Ok(Condition {
            name,
            server: Arc::new(server.without_learning()),
            sources,
            lora: self.lora()?,
            settings,
        })
    }
}

/// The conditions of a run: `written`, else one without context and one with it. Each is
/// asked of each of `endpoints`, unless it names one of them.
///
/// # Errors
/// If a condition or a URL is invalid, or two have one name.
pub(super) fn conditions(
    written: &[WrittenCondition],
    endpoints: &[NamedEndpoint],
    kind: Option<EndpointKind>,
    setup: &Setup,
) -> Result<Vec<Condition>, CliError> {
    let default = [
        WrittenCondition {
            name: "no context".into(),
            keys: vec![("context".into(), "off".into())],
        },
        WrittenCondition {
            name: "context".into(),
            keys: Vec::new(),
        },
    ];
    let written = match written {
        [] => &default[..],
        written => written,
    };
    if endpoints.len() > 1 && endpoints.iter().any(|endpoint| endpoint.name.is_none()) {
        return Err(CliError::Usage(
            "--endpoint: several need a name each: NAME=URL".into(),
        ));
    }
    let mut servers: Vec<(Option<&str>, Settings)> = Vec::new();
    for endpoint in endpoints {
        let mut settings = setup.settings.clone();
        overrule_endpoint(&mut settings, Some(&endpoint.url), kind)?;
        servers.push((endpoint.name.as_deref(), settings));
    }
    if servers.is_empty() {
        let mut settings = setup.settings.clone();
        overrule_endpoint(&mut settings, None, kind)?;
        servers.push((None, settings));
    }
    for condition in written {
        let Some(wanted) = condition.value("endpoint") else {
            continue;
        };
        if !servers.iter().any(|(name, _)| *name == Some(wanted)) {
            return Err(condition.wrong(&format!(
                "endpoint: expected the NAME of an --endpoint NAME=URL, found {wanted:?}"
            )));
        }
    }
    let mut conditions: Vec<Condition> = Vec::new();
    for (name, settings) in &servers {
        for condition in written {
            let wanted = condition.value("endpoint");
            if wanted.is_some() && wanted != *name {
                continue;
            }
            let full = match (name, wanted) {
                (Some(name), None) if servers.len() > 1 => format!("{name}, {}", condition.name),
                _ => condition.name.clone(),
            };
            if conditions.iter().any(|other| other.name == full) {
                return Err(condition.wrong(&"expected another name: two conditions have this one"));
            }
            conditions.push(condition.over(settings, full)?);
        }
    }
    Ok(conditions)
}

impl Condition {
    /// Checks that the server has the adapters, of which it has `loaded` these.
    ///
    /// # Errors
    /// If it does not have one of them.
    pub(super) fn check_adapters(&self, loaded: &[u32]) -> Result<(), CliError> {
        match self.lora.iter().find(|lora| !loaded.contains(&lora.id)) {
            None => Ok(()),
            Some(missing) => Err(CliError::Usage(format!(
                "--condition {}: lora: the server has no adapter {}; start llama.cpp with --lora FILE",
                self.name, missing.id
            ))),
        }
    }

    /// What is told of it: all that decides about its prompts and its server.
    pub(super) fn told(&self) -> Value {
        let (endpoint, completion) = (&self.settings.endpoint, &self.settings.completion);
        json!({
            "name": self.name,
            "endpoint": endpoint.url,
            "kind": endpoint.kind,
            "model": endpoint.model,
            "family": endpoint.family.name,
            "lora": self.lora,
            "dependencies": self.sources.dependencies,
            "bm25": self.sources.bm25,
            "order": match completion.order {
                OrderChoice::Auto => "auto",
                OrderChoice::Fixed(FimFormat::Psm) => "psm",
                OrderChoice::Fixed(FimFormat::Spm) => "spm",
            },
            "context_style": match completion.context_style {
                ContextStyle::Comment => "comment",
                ContextStyle::Repo => "repo",
            },
            "max_context_chars": completion.max_context_chars,
            "max_prefix_chars": completion.max_prefix_chars,
            "max_suffix_chars": completion.max_suffix_chars,
            "max_total_chars": completion.max_total_chars,
            "max_tokens": completion.max_tokens,
            "max_lines": completion.max_lines,
        })
    }
}
