//! Questions to a model server about itself. They send no source text.

use futures_util::TryStreamExt;
use reqwest::RequestBuilder;
use reqwest::header::CONTENT_TYPE;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::json;
use tokio::time::{Instant, timeout};

use super::{
    EndpointError, ModelClient, ModelPrompt, ModelRequest, Observed, ServerFeatures, answer, error,
    milliseconds, wire,
};
use crate::config::EndpointKind;

/// What a model server tells about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerFacts {
    /// The names of its models; none if it does not tell.
    pub models: Option<Vec<String>>,
    /// Whether it is the server of llama.cpp, which serves one model under any name and
    /// has an endpoint for tokenizing.
    pub is_llama: bool,
}

/// The answer of `/v1/models`.
#[derive(Deserialize)]
struct ModelList {
    data: Vec<ListedModel>,
}

#[derive(Deserialize)]
struct ListedModel {
    id: String,
}

/// The answer of Ollama's `/api/tags`.
#[derive(Deserialize)]
struct OllamaModels {
    models: Vec<OllamaModel>,
}

#[derive(Deserialize)]
struct OllamaModel {
    name: String,
}

/// What is wrong with a server that reads whole prompts again, and the remedy.
pub const REREADS: &str = "reads the whole prompt again for each request, because its model keeps \
     only a window of what it has read (sliding window), or no separate tokens (hybrid and \
     recurrent models); start llama.cpp with --swa-full, or with more --ctx-checkpoints, or serve \
     a model with full attention";

/// The words of the prompts by which [`ModelClient::reuses`] and [`ModelClient::times`]
/// ask, and how many there are.
const WORD: &str = "one ";
const WORDS: usize = 300;
/// The tokens that a server writes for [`ModelClient::times`].
const TIMED_TOKENS: u32 = 16;

/// How long the first request waits to learn what the server has, in milliseconds. A
/// server that is at work may answer late, and is asked again with the next request.
const FEATURES_MS: u64 = 500;

/// The answer of llama.cpp's `/props`: the part that identifies the server.
#[derive(Deserialize)]
struct LlamaProps {
    default_generation_settings: LlamaSettings,
    #[serde(default)]
    total_slots: u32,
}

#[derive(Deserialize)]
struct LlamaSettings {
    /// The size of a slot, in tokens.
    n_ctx: Option<usize>,
}

/// An item of the answer of llama.cpp's `/lora-adapters`.
#[derive(Deserialize)]
struct LoadedAdapter {
    id: u32,
}

/// The answer of llama.cpp's `/tokenize`.
#[derive(Deserialize)]
struct TokenList {
    tokens: Vec<IgnoredAny>,
}

impl ModelClient {
    /// Asks the server about itself, with the time limits of the settings for each
    /// answer.
    ///
    /// # Errors
    /// If the server cannot be reached, answers with an error, or its answer is
    /// malformed.
    pub async fn server_facts(&self) -> Result<ServerFacts, EndpointError> {
        let models = match self.endpoint.kind {
            EndpointKind::Ollama => {
                let tags = self.get::<OllamaModels>("/api/tags").await;
                tags.map(|tags| tags.models.into_iter().map(|tag| tag.name).collect())
            }
            EndpointKind::Completions | EndpointKind::Infill => {
                let models = self.get::<ModelList>("/v1/models").await;
                models.map(|models| models.data.into_iter().map(|model| model.id).collect())
            }
        };
        let models = match models {
            Ok(models) => Some(models),
            Err(error) if is_not_there(&error) => None,
            Err(error) => return Err(error),
        };
        let features = self.ask_for_features().await?;
        Ok(ServerFacts {
            models,
            is_llama: features.is_llama,
        })
    }

    /// What the server was seen to have. Asks it if that is not known yet; nothing is
    /// assumed of a server that does not answer in time.
    pub async fn features(&self) -> ServerFeatures {
        let asked = self.features.get_or_try_init(|| async {
            let limit = milliseconds(FEATURES_MS);
            match timeout(limit, self.ask_for_features()).await {
                Ok(features) => features.map_err(|error| tracing::debug!("{error}")),
                Err(_) => Err(()),
            }
        });
        asked.await.copied().unwrap_or_default()
    }

    /// Asks the server what it has.
    async fn ask_for_features(&self) -> Result<ServerFeatures, EndpointError> {
        if self.endpoint.kind == EndpointKind::Ollama {
            return Ok(ServerFeatures::default());
        }
        match self.get::<LlamaProps>("/props").await {
            Ok(props) => Ok(ServerFeatures {
                is_llama: true,
                slots: props.total_slots,
                context_tokens: props.default_generation_settings.n_ctx,
            }),
            // Other servers have nothing, or something else, at this path.
            Err(
                EndpointError::Refused { .. }
                | EndpointError::Page { .. }
                | EndpointError::NoStream { .. }
                | EndpointError::Malformed { .. }
                | EndpointError::Redirected { .. },
            ) => Ok(ServerFeatures::default()),
            Err(error) => Err(error),
        }
    }

    /// The number of tokens that the server of llama.cpp makes of `token`.
    ///
    /// # Errors
    /// As [`ModelClient::server_facts`].
    pub async fn count_tokens(&self, token: &str) -> Result<usize, EndpointError> {
        let client = self.beside("/tokenize");
        let body = json!({"content": token, "add_special": false, "parse_special": true});
        let request = client
            .http
            .post(client.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .body(body.to_string());
        let answer: TokenList = client.json(request).await?;
        Ok(answer.tokens.len())
    }

    /// The numbers of the adapters that the server of llama.cpp has loaded; none of another
    /// server.
    ///
    /// # Errors
    /// As [`ModelClient::server_facts`].
    pub async fn adapters(&self) -> Result<Vec<u32>, EndpointError> {
        match self.get::<Vec<LoadedAdapter>>("/lora-adapters").await {
            Ok(loaded) => Ok(loaded.into_iter().map(|adapter| adapter.id).collect()),
            Err(error) if is_not_there(&error) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Whether the server of llama.cpp reuses what it has read of a prompt for the next
    /// one; none if it does not tell. Asks it twice for one token behind a text of
    /// equal words.
    ///
    /// # Errors
    /// As [`ModelClient::stream`].
    pub async fn reuses(&self) -> Result<Option<bool>, EndpointError> {
        self.features().await;
        let mut last = None;
        for words in [WORDS, WORDS + 1] {
            last = self.watch(WORD.repeat(words), 1).await?.work;
        }
        let reused = last.and_then(|work| Some((work.reused_tokens?, work.read_tokens)));
        Ok(reused.map(|(reused, read)| reused > read))
    }

    /// What a request for a few tokens shows of the server, and the characters of its
    /// prompt: the number `first`, which a former prompt should not begin with, and equal
    /// words. A short request before it lets the server load its model.
    ///
    /// # Errors
    /// As [`ModelClient::stream`].
    pub async fn times(&self, first: u32) -> Result<(Observed, usize), EndpointError> {
        self.features().await;
        self.watch(WORD.to_owned(), 1).await?;
        let prompt = format!("{first} {}", WORD.repeat(WORDS));
        let chars = prompt.len();
        Ok((self.watch(prompt, TIMED_TOKENS).await?, chars))
    }

    /// Asks for `max_tokens` tokens behind `prompt`.
    async fn watch(&self, prompt: String, max_tokens: u32) -> Result<Observed, EndpointError> {
        let mut observed = Observed::default();
        let begun = Instant::now();
        let mut deltas = Box::pin(self.stream(ModelRequest {
            prompt: ModelPrompt::Plain(prompt),
            max_tokens,
            temperature: Some(0.0),
            top_p: None,
            seed: None,
            stop: Vec::new(),
            max_write_ms: None,
            slot: Some(0),
            lora: Vec::new(),
        }));
        while let Some(delta) = deltas.try_next().await? {
            observed.work = delta.work.or(observed.work);
            if !delta.text.is_empty() {
                let ms = begun.elapsed().as_secs_f64() * 1e3;
                observed.text(delta.text.chars().count(), ms);
            }
        }
        Ok(observed)
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, EndpointError> {
        let client = self.beside(path);
        let request = client.http.get(client.url.clone());
        client.json(request).await
    }

    /// The same client with another path, which its errors name.
    fn beside(&self, path: &str) -> Self {
        Self {
            url: wire::beside(&self.url, self.endpoint.kind, path),
            ..self.clone()
        }
    }

    /// Sends `request` and parses the response as JSON.
    async fn json<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, EndpointError> {
        let deadline = Instant::now() + self.first_byte_timeout();
        let response = self.exchange(request, "application/json", deadline).await?;
        let body = answer::whole(self, response, deadline).await?;
        serde_json::from_slice(&body).map_err(|error| EndpointError::Malformed {
            at: self.at(),
            reason: format!(
                "the answer cannot be read: {}",
                error::one_line(&error.to_string())
            ),
        })
    }
}

/// Whether the error means that the server has nothing at this path.
fn is_not_there(error: &EndpointError) -> bool {
    match error {
        EndpointError::Refused { status, .. } | EndpointError::Page { status, .. } => {
            error::is_not_there(*status)
        }
        _ => false,
    }
}
