//! `tags/parse`, `tags/prompt`, `tags/run` and `tags/applyConfig`: FIMpad tags
//! in a text that the client gives.
//!
//! These methods need no project and thus no `initialize`. Without a project
//! offsets count bytes. Only cross-file context needs a project.

pub(in crate::server) mod apply_config;
pub(in crate::server) mod parse;
pub(in crate::server) mod prompt;
pub(in crate::server) mod run;
mod target;
