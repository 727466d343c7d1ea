//! What a model server says of itself. It is sent nothing of anybody's code.

use futures_util::TryStreamExt;
use reqwest::header::CONTENT_TYPE;
use reqwest::{RequestBuilder, StatusCode};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::json;
use tokio::time::Instant;

use super::{EndpointError, ModelClient, error, wire};
use crate::config::EndpointKind;

/// What a model server says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerFacts {
    /// What it calls its models; none if it does not tell.
    pub models: Option<Vec<String>>,
    /// Whether it is llama.cpp's own server, which serves one model whatever
    /// name it is asked for, and tells what its tokens are.
    pub is_llama: bool,
}

/// The answer of `/v1/models`.
#[derive(Deserialize)]
struct Models {
    data: Vec<Model>,
}

#[derive(Deserialize)]
struct Model {
    id: String,
}

/// The answer of Ollama's `/api/tags`.
#[derive(Deserialize)]
struct Tags {
    models: Vec<Tag>,
}

#[derive(Deserialize)]
struct Tag {
    name: String,
}

/// The answer of llama.cpp's `/props`, the part that tells it from others.
#[derive(Deserialize)]
struct Props {
    #[serde(rename = "default_generation_settings")]
    _settings: IgnoredAny,
}

/// The answer of llama.cpp's `/tokenize`.
#[derive(Deserialize)]
struct Tokens {
    tokens: Vec<IgnoredAny>,
}

impl ModelClient {
    /// What the server says of itself, each answer within the times that the
    /// settings allow.
    ///
    /// # Errors
    /// If it cannot be reached, refuses us, or answers what makes no sense.
    pub async fn served(&self) -> Result<ServerFacts, EndpointError> {
        let models = match self.endpoint.kind {
            EndpointKind::Ollama => {
                let tags = self.get::<Tags>("/api/tags").await;
                tags.map(|tags| tags.models.into_iter().map(|tag| tag.name).collect())
            }
            EndpointKind::Completions | EndpointKind::Infill => {
                let models = self.get::<Models>("/v1/models").await;
                models.map(|models| models.data.into_iter().map(|model| model.id).collect())
            }
        };
        let models = match models {
            Ok(models) => Some(models),
            Err(error) if is_not_there(&error) => None,
            Err(error) => return Err(error),
        };
        let is_llama = match self.endpoint.kind {
            EndpointKind::Ollama => false,
            EndpointKind::Completions | EndpointKind::Infill => {
                match self.get::<Props>("/props").await {
                    Ok(_) => true,
                    // Whatever else another server has at that place.
                    Err(
                        EndpointError::Refused { .. }
                        | EndpointError::NoStream { .. }
                        | EndpointError::Malformed { .. }
                        | EndpointError::Redirected { .. },
                    ) => false,
                    Err(error) => return Err(error),
                }
            }
        };
        Ok(ServerFacts { models, is_llama })
    }

    /// How many tokens llama.cpp's server makes of `marker`.
    ///
    /// # Errors
    /// As [`ModelClient::served`].
    pub async fn count_tokens(&self, marker: &str) -> Result<usize, EndpointError> {
        let client = self.beside("/tokenize");
        let body = json!({"content": marker, "add_special": false, "parse_special": true});
        let request = client
            .http
            .post(client.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .body(body.to_string());
        let answer: Tokens = client.json(request).await?;
        Ok(answer.tokens.len())
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, EndpointError> {
        let client = self.beside(path);
        let request = client.http.get(client.url.clone());
        client.json(request).await
    }

    /// The same server at another path, which its errors then name.
    fn beside(&self, path: &str) -> Self {
        Self {
            url: wire::beside(&self.url, self.endpoint.kind, path),
            ..self.clone()
        }
    }

    /// The answer to `request`, which is JSON.
    async fn json<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, EndpointError> {
        let deadline = Instant::now() + self.first_byte_timeout();
        let response = self.exchange(request, "application/json", deadline).await?;
        let body = wire::bytes(self.clone(), response, deadline)
            .try_fold(Vec::new(), |mut body, chunk| {
                body.extend_from_slice(&chunk);
                std::future::ready(Ok(body))
            })
            .await?;
        serde_json::from_slice(&body).map_err(|error| EndpointError::Malformed {
            at: self.at(),
            reason: format!(
                "the answer cannot be read: {}",
                error::one_line(&error.to_string())
            ),
        })
    }
}

/// Whether the server has nothing at that path.
fn is_not_there(error: &EndpointError) -> bool {
    let not_there = [
        StatusCode::NOT_FOUND,
        StatusCode::METHOD_NOT_ALLOWED,
        StatusCode::NOT_IMPLEMENTED,
    ];
    matches!(error, EndpointError::Refused { status, .. } if not_there.contains(status))
}
