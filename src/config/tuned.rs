//! What a model was tuned for: the options of the dataset that it was tuned on, compared
//! with the settings that it is asked with.
//!
//! `metadata.json` of a dataset says so, and so does `tuned.json`, which
//! `training/train.py` writes beside a model: the keys of `metadata.json` that are read
//! here. Other keys are ignored.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::{CompletionSettings, ContextSettings, ContextSources, EndpointKind, Settings};
use crate::dataset::report::shape::FamilyTokens;
use crate::dataset::{Options, SecretPolicy};
use crate::model::{ContextStyle, FimFormat};
use crate::prompt::PromptLimits;
use crate::secrets::InContext;

/// The most bytes of the file.
const MAX_BYTES: u64 = 64 << 20;

/// The settings do not ask a model as it was trained, or it is not known how it was; one
/// line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{says}; {fix}")]
pub struct TunedError {
    /// What is wrong.
    pub says: String,
    /// How to mend it.
    pub fix: String,
}

/// What a dataset says of the models that are tuned on it.
#[derive(Debug, Deserialize)]
struct TunedFor {
    options: Options,
    tokens: FamilyTokens,
    /// The number of examples of each order.
    formats: BTreeMap<FimFormat, u64>,
}

/// A key of the settings that is not as the model was tuned for.
struct Difference {
    section: &'static str,
    key: &'static str,
    /// What the model was tuned for, as TOML.
    tuned: String,
    /// What the settings say, as TOML.
    says: String,
}

impl Settings {
    /// Compares the settings with the dataset that the model was tuned on, which
    /// `tuned` under `[completion]` names. Returns whether one is named.
    ///
    /// # Errors
    /// [`TunedError`] if a prompt with these settings would be another one than in
    /// training, and if the file cannot be read.
    pub fn check_tuned(&self) -> Result<bool, TunedError> {
        let Some(named) = &self.completion.tuned else {
            return Ok(false);
        };
        // A relative path begins at the folder of the settings file.
        let folder = self.file.as_deref().and_then(Path::parent);
        let path = folder.unwrap_or(Path::new("")).join(named);
        let tuned = read(&path).map_err(|why| TunedError {
            says: format!("{}: {why}", path.display()),
            fix: "set tuned under [completion] to the tuned.json of the model, or to the \
                  metadata.json of the dataset that it was tuned on"
                .into(),
        })?;
        let differences = tuned.differences(self);
        if differences.is_empty() {
            return Ok(true);
        }
        let list = |of: fn(&Difference) -> String| {
            let all: Vec<_> = differences.iter().map(of).collect();
            all.join(", ")
        };
        Err(TunedError {
            says: format!(
                "{}: this model was tuned for {}, the settings say {}",
                path.display(),
                list(|Difference { key, tuned, .. }| format!("{key} = {tuned}")),
                list(|difference| difference.says.clone()),
            ),
            fix: list(|difference| {
                let Difference {
                    section,
                    key,
                    tuned,
                    ..
                } = difference;
                match tuned.as_str() {
                    NOT_SET => format!("remove {key} under [{section}]"),
                    tuned => format!("set {key} = {tuned} under [{section}]"),
                }
            }),
        })
    }
}

/// A value that is not in the settings file.
const NOT_SET: &str = "none";

fn read(path: &Path) -> Result<TunedFor, String> {
    let found = fs::metadata(path).map_err(|error| error.to_string())?;
    if !found.is_file() || found.len() > MAX_BYTES {
        return Err(format!("no file of at most {MAX_BYTES} bytes"));
    }
    let text = fs::read(path).map_err(|error| error.to_string())?;
    serde_json::from_slice(&text)
        .map_err(|error| format!("not what fimd writes of a dataset: {error}"))
}

/// The keys that differ.
#[derive(Default)]
struct Differences(Vec<Difference>);

impl Differences {
    fn compare(&mut self, section: &'static str, key: &'static str, tuned: String, says: String) {
        if tuned != says {
            self.0.push(Difference {
                section,
                key,
                tuned,
                says,
            });
        }
    }
}

impl TunedFor {
    fn differences(&self, settings: &Settings) -> Vec<Difference> {
        let mut found = Differences::default();
        self.compare_model(settings, &mut found);
        self.compare_sizes(&settings.completion, &mut found);
        self.compare_context(&settings.context, &mut found);
        found.0
    }

    /// Kind, family, control tokens, order and style.
    fn compare_model(&self, settings: &Settings, found: &mut Differences) {
        let (endpoint, completion) = (&settings.endpoint, &settings.completion);
        let (options, family) = (&self.options, &endpoint.family);
        let kind = match endpoint.kind {
            EndpointKind::Completions => "completions",
            EndpointKind::Infill => "infill",
            EndpointKind::Ollama => "ollama",
        };
        // Servers of the other kinds put the parts of a prompt together themselves.
        found.compare("endpoint", "kind", quoted("completions"), quoted(kind));
        let (tuned, says) = (&options.base_model, &family.name);
        found.compare("endpoint", "family", quoted(tuned), quoted(says));
        if tuned == says {
            let FamilyTokens {
                prefix,
                suffix,
                middle,
                ..
            } = &self.tokens;
            for (key, tuned, says) in [
                ("fim_prefix", prefix, &family.prefix),
                ("fim_suffix", suffix, &family.suffix),
                ("fim_middle", middle, &family.middle),
            ] {
                found.compare("endpoint", key, quoted(tuned), quoted(says));
            }
            let order = family.format_for(completion.order);
            if !self.formats.contains_key(&order)
                && let Some(tuned) = self.formats.keys().next()
            {
                let (tuned, says) = (quoted(&tuned.to_string()), quoted(&order.to_string()));
                found.compare("completion", "order", tuned, says);
            }
        }
        let style = |style| match style {
            ContextStyle::Comment => quoted("comment"),
            ContextStyle::Repo => quoted("repo"),
        };
        let (tuned, says) = (options.context_style, completion.context_style);
        found.compare("completion", "context_style", style(tuned), style(says));
    }

    /// The budgets, and whether a time may change them.
    fn compare_sizes(&self, completion: &CompletionSettings, found: &mut Differences) {
        let options = &self.options;
        if options.budget() != completion.budget() {
            let (tuned, says) = (limits(options.limits()), limits(completion.limits()));
            for ((key, tuned), (_, says)) in tuned.into_iter().zip(says) {
                found.compare("completion", key, tuned, says);
            }
        }
        // It takes smaller totals than the one of the dataset, where there are any.
        if let Some(target_ms) = completion.target_ms
            && completion.limits().steps().len() > 1
        {
            let (tuned, says) = (NOT_SET.to_owned(), target_ms.to_string());
            found.compare("completion", "target_ms", tuned, says);
        }
    }

    /// The sources of contexts, and what becomes of secrets in them.
    fn compare_context(&self, context: &ContextSettings, found: &mut Differences) {
        let options = &self.options;
        let tuned = ContextSources {
            dependencies: options.cross_file_context,
            bm25: options.bm25_context,
        };
        let (tuned, says) = (sources(tuned), sources(context.sources));
        found.compare("context", "enabled_sources", tuned, says);
        let secrets = |keeps| quoted(if keeps { "keep" } else { "redact" });
        let tuned = secrets(options.secrets == SecretPolicy::Keep);
        let says = secrets(context.secrets == InContext::Keep);
        found.compare("context", "secrets", tuned, says);
    }
}

/// The limits with their keys.
fn limits(limits: PromptLimits) -> [(&'static str, String); 4] {
    let prefix = limits.prefix.map(|most| most.to_string());
    [
        ("max_total_chars", limits.total.to_string()),
        ("max_context_chars", limits.context.to_string()),
        ("max_prefix_chars", prefix.unwrap_or_else(|| NOT_SET.into())),
        ("max_suffix_chars", limits.suffix.to_string()),
    ]
}

fn sources(sources: ContextSources) -> String {
    let names = [
        (sources.dependencies, "dependencies"),
        (sources.bm25, "bm25"),
    ];
    let enabled = names.into_iter().filter(|(is_enabled, _)| *is_enabled);
    let enabled: Vec<_> = enabled.map(|(_, name)| quoted(name)).collect();
    format!("[{}]", enabled.join(", "))
}

/// A string as TOML.
fn quoted(text: &str) -> String {
    toml_edit::Value::from(text).to_string()
}
