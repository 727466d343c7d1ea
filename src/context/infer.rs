//! Type inference over the buffer: which classes an expression may be of, and
//! which members a class has.
//!
//! The inference is light. It reads the text before the cursor, which is
//! complete, while the text behind the cursor is usually broken. It uses
//! declared types, doc comments, assignments, `instanceof` and `foreach`, and
//! asks the index for what other files declare.
//!
//! | file | what |
//! | --- | --- |
//! | `types` | the type of an expression |
//! | `doc_tags`, `written` | the types that doc comments and declarations state |
//! | `class_lookup` | a class by its name |
//! | `members`, `trait_rules` | the members of a class, inherited ones included |
//! | `inference` | what all parts share |
//! | `expression` | the type of a chain such as `$a->b()['c']` |
//! | `member` | the type of a member |
//! | `call` | the type that a function call gives |
//! | `variable`, `assignment`, `element` | the type of a variable |
//! | `limits` | the bounds on the work |

mod assignment;
mod call;
mod class_lookup;
mod doc_tags;
mod element;
mod expression;
mod inference;
mod limits;
mod member;
mod members;
#[cfg(test)]
mod tests;
mod trait_rules;
mod types;
mod variable;
mod written;

pub(super) use class_lookup::ClassLookup;
pub(super) use doc_tags::doc_tags;
pub(super) use inference::Inference;
pub(super) use members::{ClassMembers, VirtualMember, is_visible};
pub(super) use types::Type;
