//! The size of a cross-file context.

/// The most characters of a cross-file context, unless a request or a user sets
/// another number.
pub const DEFAULT_MAX_CONTEXT_CHARS: usize = 4096;
