//! A secret in a text, and its kinds.

use std::ops::Range;

/// The kind of a secret that a person chose.
pub(super) const PASSWORD: &str = "password";
/// The kind of a secret that a machine made, for any use.
pub(super) const SECRET: &str = "secret";

/// A secret in a text. It holds no part of the text, so fimd may log it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    /// Its position in the text, in bytes.
    pub range: Range<usize>,
    /// Its kind in `snake_case`: `github_token`, `private_key`, `password`;
    /// `secret` for keys and tokens of an unknown issuer.
    pub kind: &'static str,
}
