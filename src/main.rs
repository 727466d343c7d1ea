//! The `fimd` program: see [`fimd::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    fimd::cli::main()
}
