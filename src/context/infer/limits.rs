//! Bounds on the work of type inference. They keep a request for a hostile
//! buffer as cheap as one for a usual buffer. None is a weight; no measurement
//! of any of them is recorded.

/// Steps of "this value came from that one" that are followed.
pub(super) const MAX_DEPTH: usize = 8;
/// Expressions that one request may read.
pub(super) const FUEL: u32 = 256;
/// What the search for a property's assignment in another file costs, in
/// expressions.
pub(super) const OTHER_FILE_FUEL: u32 = 32;
/// Bytes of a class in another file that are searched for an assignment.
pub(super) const OTHER_CLASS_BYTES: usize = 64 << 10;
/// Names that one request may look up among installed packages.
pub(super) const PACKAGE_LOOKUPS: usize = 512;

/// Classes of a hierarchy that are looked at.
pub(super) const HIERARCHY_CLASSES: usize = 64;
/// Steps from a class towards the parent that declares a template.
pub(super) const TEMPLATE_STEPS: usize = 16;
/// Classes that a type may name.
pub(super) const TYPE_CLASSES: usize = 8;
/// Levels of nesting in a written type.
pub(super) const TYPE_NESTING: usize = 4;

/// Tokens of a statement that are searched for its end.
pub(super) const STATEMENT_TOKENS: usize = 512;
/// Tokens before the cursor that are searched for a variable's origin.
pub(super) const VARIABLE_TOKENS: usize = 12_000;
/// Tokens before the cursor that are searched for variables in reach.
pub(super) const REACH_TOKENS: usize = 600;
/// Tokens between a `foreach` and its `as`.
pub(super) const FOREACH_TOKENS: usize = 64;
/// Tokens between the `(` of an argument list and a token in it.
pub(super) const ARGUMENT_TOKENS: usize = 200;
