//! The model server: whether it is there, what it serves, and whether the
//! family's markers are tokens of its model.

use std::collections::BTreeSet;

use super::Check;
use crate::cli::Error;
use crate::config::{Endpoint, EndpointKind, Settings};
use crate::endpoint::{EndpointError, ModelClient, ServerFacts};

const NAME: &str = "model";

/// What there is to say of the server that the settings name.
pub(super) fn checks(settings: Option<&Settings>) -> Result<Vec<Check>, Error> {
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
        .map_err(|error| Error::Failure(format!("cannot start the runtime: {error}")))?;
    Ok(runtime.block_on(ask(&settings.endpoint)))
}

async fn ask(endpoint: &Endpoint) -> Vec<Check> {
    let client = match ModelClient::new(endpoint) {
        Ok(client) => client,
        Err(error) => return vec![failed(NAME, &error)],
    };
    let served = match client.served().await {
        Ok(served) => served,
        Err(error) => return vec![failed(NAME, &error)],
    };
    let mut checks = vec![models(endpoint, &served)];
    if served.is_llama && endpoint.kind == EndpointKind::Completions {
        checks.push(markers(&client, endpoint).await);
    }
    checks
}

/// What went wrong, taken apart into what and what to do.
fn failed(name: &'static str, error: &EndpointError) -> Check {
    let line = error.to_string();
    match line.rsplit_once("; ") {
        Some((says, fix)) => Check::fault(name, says, fix),
        None => Check::fault(name, line, "mend [endpoint] in the settings file"),
    }
}

/// Whether the server has the model that it is asked for.
fn models(endpoint: &Endpoint, served: &ServerFacts) -> Check {
    let url = &endpoint.url;
    let Some(models) = &served.models else {
        let says = format!("{url}: is there, and does not tell its models");
        let fix = match endpoint.kind {
            EndpointKind::Ollama => "see whether kind under [endpoint] is right",
            EndpointKind::Completions | EndpointKind::Infill => {
                "see by a completion whether url and kind under [endpoint] are right"
            }
        };
        return Check::warning(NAME, says, fix);
    };
    let list = match models.is_empty() {
        true => "none".to_owned(),
        false => models.join(", "),
    };
    match &endpoint.model {
        // It has one, whatever that is called.
        _ if served.is_llama => Check::ok(NAME, format!("{url}: llama.cpp with {list}")),
        Some(wanted) if models.iter().any(|model| is_called(model, wanted)) => {
            Check::ok(NAME, format!("{url}: serves {wanted}"))
        }
        Some(wanted) => Check::fault(
            NAME,
            format!("{url}: does not serve {wanted}; what it serves: {list}"),
            match endpoint.kind {
                EndpointKind::Ollama => {
                    format!("`ollama pull {wanted}`, or set model under [endpoint]")
                }
                EndpointKind::Completions | EndpointKind::Infill => {
                    "set model under [endpoint] to one of these".into()
                }
            },
        ),
        None if models.len() > 1 => Check::warning(
            NAME,
            format!("{url}: serves {list}, and is not told which to use"),
            "set model under [endpoint] to one of these",
        ),
        None => Check::ok(NAME, format!("{url}: serves {list}")),
    }
}

/// Whether the server's `model` is the one that is `wanted`; Ollama takes the
/// latest of a name without a tag.
fn is_called(model: &str, wanted: &str) -> bool {
    model == wanted || model.strip_suffix(":latest") == Some(wanted)
}

/// Whether each of the family's markers is one token of the server's model: one
/// that is more was not trained as a marker.
async fn markers(client: &ModelClient, endpoint: &Endpoint) -> Check {
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
        "set family under [endpoint] to the model's own (`fimd models` lists them), or serve a \
         model of that family",
    )
}
