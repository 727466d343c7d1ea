//! Type inference over the buffer: which classes an expression may be of, and
//! which members a class has.
//!
//! The text before the cursor is complete, while the text behind it is usually
//! broken. The inference reads the function at the cursor into a graph of its
//! values (`flow`) and computes the types of those that the cursor asks for
//! (`eval`). It asks the index for what other files declare, and reads the
//! bodies of functions that declare nothing.
//!
//! | file | what |
//! | --- | --- |
//! | `types` | types as values |
//! | `doc_tags` | the tags of doc comments |
//! | `resolve` | from written types to values: names, templates, aliases, conditions |
//! | `generics` | what templates stand for: by parents, by arguments |
//! | `relations` | which class is another, whether a value is of a type |
//! | `class_lookup` | a class by its name; `builtin.php` has PHP's own |
//! | `members`, `trait_rules` | the members of a class, inherited ones included |
//! | `member`, `elements` | the types of members and elements |
//! | `function_ref`, `function`, `body` | what a call gives, by declaration and by body |
//! | `flow/` | the graph of a function's values |
//! | `eval`, `closure`, `narrow`, `assertions`, `kinds` | the types of its nodes |
//! | `cursor` | the types at the cursor |
//! | `framework`, `frameworks/` | what frameworks add to PHP's rules |
//! | `inference`, `limits` | what all parts share, the bounds on the work |

mod assertions;
mod body;
mod class_lookup;
mod closure;
mod cursor;
mod doc_tags;
mod elements;
mod eval;
mod flow;
mod framework;
mod frameworks;
mod function;
mod function_ref;
mod generics;
mod inference;
mod kinds;
mod limits;
mod member;
mod members;
mod narrow;
mod relations;
mod resolve;
#[cfg(test)]
mod tests;
mod trait_rules;
mod types;

pub(super) use class_lookup::{BUILTIN_PATH, ClassLookup};
pub(super) use doc_tags::doc_tags;
pub(super) use framework::ConventionalMember;
pub(super) use inference::Inference;
pub(super) use members::{ClassMembers, VirtualMember, is_visible};
