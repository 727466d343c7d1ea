//! Registers what fimd serves in documents with tags for their languages alone, so
//! that it takes no hover and no completion from other documents, such as PHP.
//! Clients that cannot register get it announced for all documents.

use serde::Serialize;
use serde_json::{Value, json};
use tower_lsp::ls_types::{Registration, RegistrationParams};

use super::capabilities::{code_lens_options, completion_options, semantic_tokens_options};
use super::connection::Connection;
use super::features::DynamicFeatures;

/// Registers the features and waits for the client's answer.
pub(super) async fn register(connection: &Connection, features: DynamicFeatures) {
    let params = {
        let documents = connection.documents();
        registrations(features, documents.languages())
    };
    if params.registrations.is_empty() {
        return;
    }
    let asked = connection.peer.ask("client/registerCapability", &params);
    if let Some(Err(error)) = asked.await {
        tracing::warn!("the client refused to register the features of tags: {error}");
    }
}

/// The registrations of the features for these languages.
fn registrations(features: DynamicFeatures, languages: &[String]) -> RegistrationParams {
    let selector: Vec<_> = languages
        .iter()
        .flat_map(|language| match language.as_str() {
            // Neovim and Emacs call plain text so.
            "plaintext" => vec!["plaintext", "text"],
            other => vec![other],
        })
        .map(|language| json!({ "language": language }))
        .collect();
    let all = [
        (features.hover, "textDocument/hover", json!({})),
        (
            features.completion,
            "textDocument/completion",
            value(&completion_options()),
        ),
        (
            features.code_lens,
            "textDocument/codeLens",
            value(&code_lens_options()),
        ),
        (
            features.semantic_tokens,
            "textDocument/semanticTokens",
            value(&semantic_tokens_options()),
        ),
    ];
    let registrations = all.into_iter().filter(|(is_wanted, ..)| *is_wanted);
    let registration = |(_, method, mut options): (bool, &str, Value)| {
        options["documentSelector"] = json!(selector);
        Registration {
            id: format!("fimd/{method}"),
            method: method.to_owned(),
            register_options: Some(options),
        }
    };
    RegistrationParams {
        registrations: registrations.map(registration).collect(),
    }
}

/// Options as a JSON object.
fn value(options: &impl Serialize) -> Value {
    serde_json::to_value(options).unwrap_or_else(|_| json!({}))
}
