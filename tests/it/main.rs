//! Tests of the whole program: they run the real binary over pipes and sockets,
//! and call the public functions of the library. They are one crate, so that the
//! library and its dependencies are linked once.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(
    clippy::too_many_lines,
    reason = "tables of cases, and conversations that read from top to bottom"
)]

mod common;

mod blade;
mod cache;
mod clean;
mod complete;
mod composer;
mod containment;
mod context_cli;
mod daemon;
mod datasets;
mod declarations;
mod docs;
mod doctor;
mod ending;
mod endpoint;
mod eval;
mod eval_completion;
mod eval_page;
mod eval_typing;
mod files;
mod foreign;
mod formats;
mod frameworks;
mod generate;
mod history;
mod hostile;
mod jobs;
mod leftovers;
mod limits;
mod llama;
mod loaders;
mod lsp;
mod lsp_tags;
mod model_limits;
mod models;
mod names;
mod nvim;
mod parity;
mod parts;
mod predecessor;
mod protocol;
mod report;
mod resume;
mod roots;
mod secrets;
mod settings;
mod socket;
mod special_files;
mod stdio;
mod stream;
mod structure;
mod tags_cli;
mod tags_protocol;
mod tags_spec;
mod tuned;
mod verify;
mod verify_faults;
mod vscode;
mod watch;
