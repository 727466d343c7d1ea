//! fimd: fill-in-the-middle completion on a team's own PHP code.

pub mod cancel;
pub mod cli;
pub mod completion;
pub mod config;
pub mod context;
pub mod dataset;
pub mod endpoint;
pub mod engine;
pub mod eval;
pub mod files;
pub mod guard;
mod html;
pub mod index;
pub mod model;
pub mod php;
pub mod prompt;
pub mod rpc;
pub mod secrets;
pub mod server;
pub mod system;
pub mod tags;
pub mod text;
