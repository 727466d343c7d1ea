//! The `fimd` program: see [`fimd::cli`].

use std::process::ExitCode;

use tikv_jemallocator::Jemalloc;

/// Threads that index allocate and free by the megabyte; this allocator gives it
/// back to the system, which keeps it otherwise.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> ExitCode {
    fimd::cli::main()
}
