//! The flow of values through one function or script, read from its tokens.
//!
//! A [`ValueFlow`] holds expressions as nodes of a graph. A variable that is read
//! refers to the node that it got its value from; where branches meet, a node
//! holds the values of each. A condition adds a node that narrows a value.
//! Reading computes no types: `eval` does so for the nodes that are asked for.
//!
//! | file | what |
//! | --- | --- |
//! | `node` | the graph |
//! | `env` | which node a variable, a property or an element has at a place |
//! | `reader` | the tokens, and the cursor among them |
//! | `expression`, `primary`, `call` | expressions |
//! | `statement`, `branch` | statements, and those with branches |
//! | `assign` | assignments and destructuring |
//! | `assume` | what a condition says about values |
//! | `function` | parameters, closures and bodies |

mod assign;
mod assume;
mod branch;
mod call;
mod env;
mod expression;
mod function;
mod node;
mod primary;
mod reader;
mod statement;

pub(super) use node::{
    Argument, Callee, ClassExpr, Comparison, Item, MemberName, NodeId, PlaceId, State, ValueFlow,
    ValueNode,
};
pub(super) use reader::{Extent, read_flow};
