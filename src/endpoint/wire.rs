//! The requests to each kind of model server, as they go over the wire.

use reqwest::Url;
use serde_json::{Value, json};

use super::{EndpointError, MAX_STOPS, ModelPrompt, ModelRequest, ServerFeatures, infill};
use crate::config::{Endpoint, EndpointKind};
use crate::model::ContextFile;
use crate::tags::server_url::server_url;

/// How long Ollama keeps the model after a request, so that a pause at the desk does not
/// end with loading it and reading the whole prompt.
const KEEP_ALIVE: &str = "30m";

/// The least tokens of a context that Ollama is asked for: enough for the default
/// budgets.
const LEAST_CONTEXT_TOKENS: u32 = 8192;

/// The least bytes of a token on average over a prompt. Code has more, other text in
/// Latin letters has more yet.
const BYTES_PER_TOKEN: usize = 2;

/// The URL of requests: the URL in the settings, with the path of the kind appended
/// unless it is there already.
pub(super) fn url(endpoint: &Endpoint) -> Result<Url, EndpointError> {
    let mut url = server_url(&endpoint.url).map_err(|reason| EndpointError::Url {
        key: endpoint.place.key("url"),
        reason,
    })?;
    let path = path(endpoint.kind);
    let base = url.path().trim_end_matches('/');
    // The base URL of many programs ends in the version.
    let missing = match base {
        base if base.ends_with(path) => "",
        base if base.ends_with("/v1") => path.trim_start_matches("/v1"),
        _ => path,
    };
    let whole = format!("{base}{missing}");
    url.set_path(&whole);
    Ok(url)
}

/// The path of requests for a kind of server.
fn path(kind: EndpointKind) -> &'static str {
    match kind {
        EndpointKind::Completions => "/v1/completions",
        EndpointKind::Infill => "/infill",
        EndpointKind::Ollama => "/api/generate",
    }
}

/// The URL of another path of the server whose requests go to `url`.
pub(super) fn beside(url: &Url, kind: EndpointKind, other: &str) -> Url {
    let base = url.path().strip_suffix(path(kind)).unwrap_or_default();
    let mut beside = url.clone();
    beside.set_path(&format!("{base}{other}"));
    beside
}

/// The media type of a stream.
pub(super) fn media_type(kind: EndpointKind) -> &'static str {
    match kind {
        EndpointKind::Completions | EndpointKind::Infill => "text/event-stream",
        EndpointKind::Ollama => "application/x-ndjson",
    }
}

/// The body of a request to a server with these features. Values that the request does
/// not set are taken from the settings; the server decides about those that the settings
/// do not set either.
pub(super) fn body(endpoint: &Endpoint, request: &ModelRequest, features: ServerFeatures) -> Value {
    let stops = match features.is_llama {
        true => request.stop.len(),
        false => request.stop.len().min(MAX_STOPS),
    };
    let stop = &request.stop[..stops];
    let mut sampling = json!({});
    let mut set = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            sampling[key] = value;
        }
    };
    set(
        "temperature",
        request
            .temperature
            .or(endpoint.temperature)
            .map(Value::from),
    );
    set("top_p", request.top_p.or(endpoint.top_p).map(Value::from));
    set("seed", request.seed.map(Value::from));
    set("stop", (!stop.is_empty()).then(|| json!(stop)));
    let tokens = match endpoint.kind {
        EndpointKind::Completions => "max_tokens",
        EndpointKind::Infill => "n_predict",
        EndpointKind::Ollama => "num_predict",
    };
    set(tokens, Some(request.max_tokens.into()));
    set(
        "num_ctx",
        context_limit(endpoint.kind, request).map(Value::from),
    );
    let mut body = prompt(endpoint, request, features);
    match (endpoint.kind, sampling) {
        (EndpointKind::Ollama, sampling) => body["options"] = sampling,
        (_, Value::Object(sampling)) => {
            for (key, value) in sampling {
                body[key] = value;
            }
        }
        (_, _) => {}
    }
    body["stream"] = true.into();
    of_llama(&mut body, request, features);
    if endpoint.kind == EndpointKind::Ollama {
        body["keep_alive"] = KEEP_ALIVE.into();
        // An error, where the model takes fewer tokens than `num_ctx`.
        body["truncate"] = false.into();
    }
    if let Some(model) = &endpoint.model {
        body["model"] = model.as_str().into();
    }
    body
}

/// Adds to `body` what only llama.cpp knows.
fn of_llama(body: &mut Value, request: &ModelRequest, features: ServerFeatures) {
    if !request.lora.is_empty() {
        body["lora"] = json!(request.lora);
    }
    if features.is_llama {
        body["cache_prompt"] = true.into();
        body["timings_per_token"] = true.into();
        if let Some(ms) = request.max_write_ms {
            body["t_max_predict_ms"] = ms.into();
        }
        if let Some(slot) = request.slot.filter(|slot| *slot < features.slots) {
            body["id_slot"] = slot.into();
        }
    }
}

/// The fields of a request that hold its prompt.
fn prompt(endpoint: &Endpoint, request: &ModelRequest, features: ServerFeatures) -> Value {
    let infill = |context: &[ContextFile], before: &str, after: &str| {
        infill::fields(context, before, after, request.max_tokens, features)
    };
    match (endpoint.kind, &request.prompt) {
        (EndpointKind::Completions, prompt) => json!({ "prompt": prompt.text(endpoint) }),
        (EndpointKind::Infill, ModelPrompt::Plain(before)) => infill(&[], before, ""),
        (EndpointKind::Infill, ModelPrompt::Fim { before, after }) => infill(&[], before, after),
        (
            EndpointKind::Infill,
            ModelPrompt::Code {
                context,
                before,
                after,
            },
        ) => infill(context, before, after),
        // `raw` keeps Ollama from putting the text into a chat template.
        (EndpointKind::Ollama, ModelPrompt::Plain(before)) => {
            json!({ "prompt": before, "raw": true })
        }
        (EndpointKind::Ollama, ModelPrompt::Fim { before, after }) => {
            json!({ "prompt": before, "suffix": after })
        }
        (
            EndpointKind::Ollama,
            ModelPrompt::Code {
                context,
                before,
                after,
            },
        ) => {
            let above = context.iter().flat_map(|file| [&*file.header, &*file.text]);
            let prompt: String = above.chain([&**before]).collect();
            json!({ "prompt": prompt, "suffix": after })
        }
    }
}

/// The tokens of a context in which prompt and answer have room, for Ollama, which cuts
/// what is longer. The same for all requests of usual length, because Ollama loads the
/// model again when it changes.
/// None for other servers.
pub(super) fn context_limit(kind: EndpointKind, request: &ModelRequest) -> Option<u32> {
    if kind != EndpointKind::Ollama {
        return None;
    }
    let bytes = match &request.prompt {
        ModelPrompt::Plain(before) => before.len(),
        ModelPrompt::Fim { before, after } => before.len() + after.len(),
        ModelPrompt::Code {
            context,
            before,
            after,
        } => {
            let context: usize = context
                .iter()
                .map(|file| file.header.len() + file.text.len())
                .sum();
            context + before.len() + after.len()
        }
    };
    let prompt = u32::try_from(bytes / BYTES_PER_TOKEN).unwrap_or(u32::MAX);
    let needed = prompt.saturating_add(request.max_tokens);
    let needed = needed.checked_next_power_of_two().unwrap_or(u32::MAX);
    Some(needed.max(LEAST_CONTEXT_TOKENS))
}
