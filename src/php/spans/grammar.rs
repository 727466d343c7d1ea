//! What tree-sitter's PHP grammar says of a node.

use std::num::NonZeroU16;

use tree_sitter::{Language, Node as TreeNode};

use super::tree::NodeKind;

/// Facts about the grammar's symbols, by symbol number. They are computed once,
/// because comparing names for every node of a file would be slow.
pub(super) struct Grammar {
    symbols: Vec<GrammarSymbol>,
    /// The field that holds a declaration's name.
    pub(super) name: Option<NonZeroU16>,
}

/// Facts about one symbol of the grammar.
#[derive(Clone, Copy)]
pub(super) struct GrammarSymbol {
    /// The kind of its named nodes.
    pub(super) kind: NodeKind,
    /// Whether its nodes are named: not just a token such as `{`.
    pub(super) is_named: bool,
    /// The last byte of its text if it is a bracket.
    pub(super) bracket: Option<u8>,
    /// Whether it is a string in single quotes.
    pub(super) is_quoted: bool,
    /// What its nodes are to somebody who types them.
    pub(super) part: Option<CodePart>,
}

/// A part of the code that is typed in one go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum CodePart {
    /// A statement other than a block.
    Statement,
    /// The arguments of a call, with their brackets.
    Arguments,
    /// A block or the body of a declaration, with its braces.
    Block,
}

impl CodePart {
    /// The part that a node with this name in the grammar is.
    fn of(grammar: &str) -> Option<Self> {
        match grammar {
            "arguments" => Some(Self::Arguments),
            "compound_statement" | "declaration_list" | "enum_declaration_list" | "match_block" => {
                Some(Self::Block)
            }
            name => name.ends_with("_statement").then_some(Self::Statement),
        }
    }
}

impl Grammar {
    /// Reads the symbols of `language`.
    pub(super) fn new(language: &Language) -> Self {
        let symbol = |id: usize| {
            let id = u16::try_from(id).ok()?;
            let name = language.node_kind_for_id(id)?;
            Some(GrammarSymbol {
                kind: NodeKind::of(name),
                is_named: language.node_kind_is_named(id),
                bracket: matches!(name, "(" | "[" | "{" | "#[" | ")" | "]" | "}")
                    .then(|| name.as_bytes()[name.len() - 1]),
                is_quoted: name == "string",
                part: CodePart::of(name),
            })
        };
        // No node has a symbol number without a name.
        let unused = GrammarSymbol {
            kind: NodeKind::Raw,
            is_named: false,
            bracket: None,
            is_quoted: false,
            part: None,
        };
        let symbols = 0..language.node_kind_count();
        Self {
            symbols: symbols.map(|id| symbol(id).unwrap_or(unused)).collect(),
            name: language.field_id_for_name("name"),
        }
    }

    /// What the grammar says of `node`.
    #[inline]
    pub(super) fn symbol(&self, node: &TreeNode<'_>) -> GrammarSymbol {
        // The symbol number of errors is greater than all others.
        let error = GrammarSymbol {
            kind: NodeKind::Raw,
            is_named: true,
            bracket: None,
            is_quoted: false,
            part: None,
        };
        let symbol = self.symbols.get(usize::from(node.kind_id()));
        symbol.copied().unwrap_or(error)
    }
}
