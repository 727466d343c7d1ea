//! Bounds on the work of type inference. They keep a request for a hostile
//! buffer as cheap as one for a usual buffer. None is a weight; no measurement
//! of any of them is recorded.

/// Steps of the inference that one request may take: nodes whose type is
/// computed, and types that are read.
pub(super) const FUEL: u32 = 2048;
/// What it costs to read a function of another place, in steps.
pub(super) const BODY_FUEL: u32 = 64;
/// Levels of "the type of this depends on the type of that".
pub(super) const MAX_DEPTH: usize = 48;
/// Bytes of a function that are read for the type of its result or of a
/// property.
pub(super) const BODY_BYTES: usize = 32 << 10;
/// Methods that are searched for an assignment to a property.
pub(super) const ASSIGNING_METHODS: usize = 3;
/// Names that one request may look up among installed packages.
pub(super) const PACKAGE_LOOKUPS: usize = 512;

/// Classes of a hierarchy that are looked at.
pub(super) const HIERARCHY_CLASSES: usize = 64;
/// Steps from a class towards the parent that declares a template.
pub(super) const TEMPLATE_STEPS: usize = 32;
/// Members of a type, and fields of an array, that are known.
pub(super) const TYPE_MEMBERS: usize = 32;
/// Levels of nesting in a written type, those of aliases and bounds included.
pub(super) const TYPE_NESTING: usize = 28;
/// Classes that use a trait of which `$this` may be.
pub(super) const TRAIT_USERS: usize = 8;
/// Classes whose members are shown for one receiver.
pub(super) const RECEIVER_CLASSES: usize = 16;

/// Tokens before the cursor that are searched for variables in reach.
pub(super) const REACH_TOKENS: usize = 600;
/// Levels of expressions and blocks that are read.
pub(super) const FLOW_NESTING: usize = 40;
/// Values of one function that are told apart.
pub(super) const FLOW_NODES: usize = 60_000;
/// Variables, properties and elements of one function that are told apart.
pub(super) const PLACES: usize = 400;
/// Levels of `!`, `&&` and `||` that are looked at in a condition.
pub(super) const CONDITION_NESTING: usize = 12;
/// Places that one condition narrows.
pub(super) const CONDITION_PLACES: usize = 12;
/// The `break`s of a loop or `switch` that are followed.
pub(super) const BREAKS: usize = 16;

/// Strings of one array of a class that count as names.
pub(super) const CONVENTION_STRINGS: usize = 256;
/// Relations of a path such as `posts.comments` that are followed.
pub(super) const RELATION_STEPS: usize = 8;
/// Places of each segment at which a name is bound in a container that are
/// looked at.
pub(super) const BINDINGS: usize = 256;
/// Tokens behind a bound name that are searched for its class.
pub(super) const BINDING_TOKENS: usize = 48;
/// Macros of each segment that are looked at.
pub(super) const MACROS: usize = 128;
/// Files of a folder whose keys are names elsewhere.
pub(super) const STRING_FILES: usize = 64;
/// Bytes of such a file, or of an array in a class, that are read.
pub(super) const CONVENTION_BYTES: usize = 64 << 10;
/// Keys, one behind another, that make such a name.
pub(super) const KEY_LEVELS: usize = 4;
