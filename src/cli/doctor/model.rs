//! The checks of the model server: whether it answers, which models it serves,
//! and whether the control tokens of the family are tokens of its model.

use std::collections::BTreeSet;

use super::{Check, CheckState};
use crate::cli::CliError;
use crate::cli::show::speed as words;
use crate::config::{CompletionSettings, Endpoint, EndpointKind, Settings, TunedError};
use crate::endpoint::{EndpointError, ModelClient, REREADS, ServerFacts};
use crate::engine::completion::observed_speed;

const NAME: &str = "model";

/// The checks of the server in the settings.
pub(super) fn checks(settings: Option<&Settings>) -> Result<Vec<Check>, CliError> {
    let Some(settings) = settings else {
        let says = "not asked: the settings do not tell where it is";
        return Ok(vec![Check::warning(
            NAME,
            says,
            "mend the settings file first",
        )]);
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::Failure(format!("cannot start the runtime: {error}")))?;
    let mut checks = runtime.block_on(ask(settings));
    checks.extend(tuned(settings));
    Ok(checks)
}

/// Whether the settings ask the model as it was trained; no check if they do not say for
/// what it was tuned.
fn tuned(settings: &Settings) -> Option<Check> {
    const NAME: &str = "tuned";
    match settings.check_tuned() {
        Ok(false) => None,
        Ok(true) => Some(Check::ok(
            NAME,
            "the settings ask the model with the prompts that it was tuned on",
        )),
        Err(TunedError { says, fix }) => Some(Check::fault(NAME, says, fix)),
    }
}

async fn ask(settings: &Settings) -> Vec<Check> {
    let endpoint = &settings.endpoint;
    let client = match ModelClient::new(endpoint) {
        Ok(client) => client,
        Err(error) => return vec![failed(NAME, &error)],
    };
    let facts = match client.server_facts().await {
        Ok(facts) => facts,
        Err(error) => return vec![failed(NAME, &error)],
    };
    let mut checks = vec![models(endpoint, &facts)];
    if facts.is_llama && endpoint.kind == EndpointKind::Completions {
        checks.push(control_tokens(&client, endpoint).await);
    }
    let mut rereads = false;
    if facts.is_llama {
        let reading = reading(&client).await;
        rereads = reading
            .as_ref()
            .is_some_and(|check| check.state != CheckState::Ok);
        checks.extend(reading);
    }
    if let Some(target_ms) = settings.completion.target_ms {
        checks.push(speed(&client, &settings.completion, target_ms as f64, !rereads).await);
    }
    checks
}

/// Which prompts the server reads within `target_ms` milliseconds.
async fn speed(
    client: &ModelClient,
    completion: &CompletionSettings,
    target_ms: f64,
    reuses: bool,
) -> Check {
    const NAME: &str = "speed";
    // Another number each time, so that the server has not read the prompt.
    let observed = match client.times(std::process::id()).await {
        Ok((observed, chars)) => observed_speed(observed, chars, reuses),
        Err(error) => return failed(NAME, &error),
    };
    let Some(speed) = observed else {
        return Check::warning(
            NAME,
            "not known: the server has written nothing",
            "see `fimd status` after some completions",
        );
    };
    let limits = completion.limits();
    let step = limits.step_within(target_ms, speed);
    let ms = limits.line_ms(step, speed);
    let says = format!(
        "the server {}: with prompts of up to {step} of {} characters a line takes on average at \
         most {ms:.0} ms (target_ms = {target_ms})",
        words(speed),
        limits.total
    );
    match ms <= target_ms {
        true => Check::ok(NAME, says),
        false => Check::warning(
            NAME,
            says,
            format!(
                "set target_ms to {:.0} or more, or serve a smaller model",
                ms.ceil()
            ),
        ),
    }
}

/// Whether the server reuses what it has read; no check if it does not tell.
async fn reading(client: &ModelClient) -> Option<Check> {
    const NAME: &str = "reading";
    match client.reuses().await {
        Ok(known) => known.map(|reuses| match reuses {
            true => Check::ok(NAME, "the server reads only what has changed of a prompt"),
            false => {
                let (says, fix) = REREADS.split_once("; ").unwrap_or((REREADS, ""));
                Check::warning(NAME, format!("the server {says}"), fix)
            }
        }),
        Err(error) => Some(failed(NAME, &error)),
    }
}

/// The fault for `error`, whose message is split into cause and remedy.
fn failed(name: &'static str, error: &EndpointError) -> Check {
    let line = error.to_string();
    match line.rsplit_once("; ") {
        Some((says, fix)) => Check::fault(name, says, fix),
        None => Check::fault(name, line, "mend [endpoint] in the settings file"),
    }
}

/// Whether the server has the model of the settings.
fn models(endpoint: &Endpoint, facts: &ServerFacts) -> Check {
    let Endpoint { url, place, .. } = endpoint;
    let Some(models) = &facts.models else {
        let says = format!("{url}: is there, and does not tell its models");
        let fix = match endpoint.kind {
            EndpointKind::Ollama => format!("see whether {} is right", place.key("kind")),
            EndpointKind::Completions | EndpointKind::Infill => {
                format!(
                    "see by a completion whether kind and {} are right",
                    place.key("url")
                )
            }
        };
        return Check::warning(NAME, says, fix);
    };
    let list = match models.is_empty() {
        true => "none".to_owned(),
        false => models.join(", "),
    };
    match &endpoint.model {
        // It serves one model, whatever name a request gives.
        _ if facts.is_llama => Check::ok(NAME, format!("{url}: llama.cpp with {list}")),
        Some(wanted) if models.iter().any(|model| is_called(model, wanted)) => {
            Check::ok(NAME, format!("{url}: serves {wanted}"))
        }
        Some(wanted) => Check::fault(
            NAME,
            format!("{url}: does not serve {wanted}; what it serves: {list}"),
            match endpoint.kind {
                EndpointKind::Ollama => {
                    format!("`ollama pull {wanted}`, or set {}", place.key("model"))
                }
                EndpointKind::Completions | EndpointKind::Infill => {
                    format!("set {} to one of these", place.key("model"))
                }
            },
        ),
        None if models.len() > 1 => Check::warning(
            NAME,
            format!("{url}: serves {list}, and is not told which to use"),
            format!("set {} to one of these", place.key("model")),
        ),
        None => Check::ok(NAME, format!("{url}: serves {list}")),
    }
}

/// Whether the name `wanted` means the server's `model`. Ollama appends `:latest`
/// to a name without a tag.
fn is_called(model: &str, wanted: &str) -> bool {
    model == wanted || model.strip_suffix(":latest") == Some(wanted)
}

/// Whether each control token of the family is one token of the server's model.
/// If it is more than one, the model was not trained with it.
async fn control_tokens(client: &ModelClient, endpoint: &Endpoint) -> Check {
    const NAME: &str = "markers";
    let family = &endpoint.family;
    let markers = [&family.prefix, &family.suffix, &family.middle];
    let markers: BTreeSet<_> = markers.map(|marker| marker.trim()).into();
    let mut torn = Vec::new();
    for marker in markers.into_iter().filter(|marker| !marker.is_empty()) {
        match client.count_tokens(marker).await {
            Ok(1) => {}
            Ok(count) => torn.push(format!("{marker} is {count} tokens")),
            Err(error) => return failed(NAME, &error),
        }
    }
    let name = &family.name;
    if torn.is_empty() {
        return Check::ok(NAME, format!("those of {name} are tokens of the model"));
    }
    Check::fault(
        NAME,
        format!(
            "those of {name} are not tokens of the model: {}",
            torn.join(", ")
        ),
        format!(
            "set {} to the model's own (`fimd models` lists them), or serve a model of that family",
            endpoint.place.key("family")
        ),
    )
}
