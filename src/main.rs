//! The `fimd` program: see [`fimd::cli`].

use std::process::ExitCode;

use tikv_jemallocator::Jemalloc;

/// Indexing threads allocate and free megabytes. jemalloc returns freed memory to the
/// system; the default allocator keeps it.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> ExitCode {
    fimd::cli::main()
}
