//! Measures completions on a project's own code: how good the answers of a model server
//! are at holes whose text is known, under several conditions.

pub mod measures;
pub mod statistics;
