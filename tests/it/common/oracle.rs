//! tree-sitter as an oracle for what a PHP file declares. The declarations of
//! both readers are written in the same readable lines, so that a difference
//! explains itself.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Write as _};
use std::path::{Path, PathBuf};

use fimd::php::{
    ClassKind, ClassLike, FileFacts, ImportKind, Member, MemberKind, Span, Visibility,
};
use tree_sitter::{Node, Parser};

/// One thing that a file declares or imports.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Declaration {
    /// The line of its name, from 1.
    pub(crate) line: usize,
    /// The declaration on one line.
    pub(crate) text: String,
}

impl Display for Declaration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.line, self.text)
    }
}

/// Collects [`Declaration`]s of one source.
struct Declarations<'s> {
    source: &'s str,
    list: Vec<Declaration>,
}

impl<'s> Declarations<'s> {
    fn new(source: &'s str) -> Self {
        Self {
            source,
            list: Vec::new(),
        }
    }

    fn add(&mut self, at: usize, text: String) {
        let line = memchr::memchr_iter(b'\n', &self.source.as_bytes()[..at]).count() + 1;
        self.list.push(Declaration { line, text });
    }

    fn finish(mut self) -> Vec<Declaration> {
        self.list.sort();
        self.list
    }
}

/// `name` in `namespace`, fully qualified.
fn qualified(namespace: &str, name: &str) -> String {
    let name = name.trim_start_matches('\\');
    match namespace.trim_matches('\\') {
        "" => name.to_owned(),
        namespace => format!("{namespace}\\{name}"),
    }
}

/// `text` with every run of white space as one space.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The line for an import.
fn use_line(kind: &str, prefix: &str, name: &str, alias: &str) -> String {
    let target = qualified(prefix, name);
    let alias = match alias {
        "" => target.rsplit('\\').next().unwrap_or_default(),
        alias => alias,
    };
    format!("use {kind} {target} as {alias}")
}

/// The line for a member.
fn member_line(
    class: &str,
    modifiers: &str,
    kind: &str,
    name: &str,
    params: &str,
    ty: &str,
) -> String {
    let mut line = format!("{class}: {modifiers} {kind} {name}{}", one_line(params));
    if !ty.is_empty() {
        let _ = write!(line, ": {}", one_line(ty));
    }
    line
}

/// The declarations in `facts`, which are those of `source`.
pub(crate) fn from_facts(source: &str, facts: &FileFacts) -> Vec<Declaration> {
    let mut found = Declarations::new(source);
    let namespace = |index: u16| facts.namespaces[usize::from(index)].name.of(source);
    for import in &facts.imports {
        let kind = match import.kind {
            ImportKind::Class => "class",
            ImportKind::Function => "function",
            ImportKind::Const => "const",
        };
        let line = use_line(
            kind,
            import.prefix.of(source),
            import.name.of(source),
            import.alias.of(source),
        );
        found.add(import.name.start as usize, line);
    }
    for class in &facts.classes {
        class_facts(&mut found, class, namespace(class.namespace));
    }
    for function in &facts.functions {
        let name = qualified(namespace(function.namespace), function.name.of(source));
        let (params, ty) = (function.params.of(source), function.ty.of(source));
        found.add(
            function.name.start as usize,
            member_line("file", "global", "function", &name, params, ty),
        );
    }
    for constant in &facts.constants {
        let name = constant.name.of(source);
        let line = if constant.is_define {
            format!("define {name}")
        } else {
            format!("const {}", qualified(namespace(constant.namespace), name))
        };
        found.add(constant.name.start as usize, line);
    }
    found.finish()
}

fn class_facts(found: &mut Declarations<'_>, class: &ClassLike, namespace: &str) {
    let source = found.source;
    let (at, name) = if class.name.is_empty() {
        (class.body.start as usize, "class@anonymous".to_owned())
    } else {
        let name = qualified(namespace, class.name.of(source));
        (class.name.start as usize, name)
    };
    let kind = match class.kind {
        ClassKind::Class => "class",
        ClassKind::Interface => "interface",
        ClassKind::Trait => "trait",
        ClassKind::Enum => "enum",
    };
    let lines = class.body.of(source).lines().count();
    found.add(at, format!("{kind} {name} of {lines} lines"));
    let parts: [(&str, &[Span]); 4] = [
        ("extends", &class.extends),
        ("implements", &class.implements),
        ("uses trait", &class.traits),
        ("has trait rules", &class.trait_rules),
    ];
    for (part, spans) in parts {
        for span in spans {
            let text = one_line(span.of(source));
            found.add(span.start as usize, format!("{name} {part} {text}"));
        }
    }
    for member in &class.members {
        let line = member_facts(source, &name, member);
        found.add(member.name.start as usize, line);
    }
}

fn member_facts(source: &str, class: &str, member: &Member) -> String {
    let visibility = match member.visibility {
        Visibility::Public => "public",
        Visibility::Protected => "protected",
        Visibility::Private => "private",
    };
    // Constants and cases are static without the keyword.
    let says_so = matches!(member.kind, MemberKind::Method | MemberKind::Property);
    let modifiers = if member.is_static && says_so {
        format!("{visibility} static")
    } else {
        visibility.to_owned()
    };
    let kind = match member.kind {
        MemberKind::Method => "method",
        MemberKind::Property => "property",
        MemberKind::Constant => "constant",
        MemberKind::Case => "case",
    };
    let (params, ty) = (member.params.of(source), member.ty.of(source));
    member_line(class, &modifiers, kind, member.name.of(source), params, ty)
}

/// The declarations that tree-sitter finds in `source`; nothing if its tree has
/// errors.
pub(crate) fn from_tree(source: &str) -> Option<Vec<Declaration>> {
    let mut parser = Parser::new();
    parser
        .set_language(&tree_sitter_php::LANGUAGE_PHP.into())
        .expect("the grammar fits the library");
    let tree = parser.parse(source, None)?;
    if tree.root_node().has_error() {
        return None;
    }
    let mut walk = TreeWalk {
        namespaces: Namespaces::of(tree.root_node(), source),
        found: Declarations::new(source),
    };
    // The walk keeps its own stack: real files nest deeper than a thread's stack
    // allows.
    let mut waiting = vec![(tree.root_node(), false)];
    while let Some((node, is_member)) = waiting.pop() {
        walk.visit(node, is_member);
        let are_members = node.kind().ends_with("declaration_list");
        let children = named(node).into_iter();
        waiting.extend(children.map(|child| (child, are_members)));
    }
    Some(walk.found.finish())
}

fn named(node: Node<'_>) -> Vec<Node<'_>> {
    node.named_children(&mut node.walk()).collect()
}

fn child<'t>(node: Node<'t>, kind: &str) -> Option<Node<'t>> {
    named(node).into_iter().find(|child| child.kind() == kind)
}

/// The children of `node` that are names in any qualification.
fn names(node: Node<'_>) -> impl Iterator<Item = Node<'_>> {
    let is_name = |n: &Node<'_>| matches!(n.kind(), "name" | "qualified_name" | "relative_name");
    named(node).into_iter().filter(is_name)
}

/// The namespaces of a file, by the bytes at which they end.
struct Namespaces(BTreeMap<usize, String>);

impl Namespaces {
    fn of(root: Node<'_>, source: &str) -> Self {
        let mut by_end = BTreeMap::new();
        let mut open = String::new();
        for node in named(root) {
            if node.kind() != "namespace_definition" {
                continue;
            }
            by_end.insert(node.start_byte(), std::mem::take(&mut open));
            let name = node.child_by_field_name("name");
            let name = name
                .map_or("", |name| &source[name.byte_range()])
                .to_owned();
            match node.child_by_field_name("body") {
                Some(body) => by_end.insert(body.end_byte(), name),
                None => {
                    open = name;
                    None
                }
            };
        }
        by_end.insert(usize::MAX, open);
        Self(by_end)
    }

    fn at(&self, byte: usize) -> &str {
        let (_, name) = self
            .0
            .range(byte + 1..)
            .next()
            .expect("the last has no end");
        name
    }
}

struct TreeWalk<'s> {
    namespaces: Namespaces,
    found: Declarations<'s>,
}

impl<'s> TreeWalk<'s> {
    fn text(&self, node: Node<'_>) -> &'s str {
        &self.found.source[node.byte_range()]
    }

    fn field(&self, node: Node<'_>, name: &str) -> &'s str {
        node.child_by_field_name(name)
            .map_or("", |node| self.text(node))
    }

    fn qualified(&self, name: Node<'_>) -> String {
        qualified(self.namespaces.at(name.start_byte()), self.text(name))
    }

    fn visit(&mut self, node: Node<'_>, is_member: bool) {
        match node.kind() {
            "namespace_use_declaration" => self.uses(node),
            "class_declaration"
            | "interface_declaration"
            | "trait_declaration"
            | "enum_declaration"
            | "anonymous_class" => self.class(node),
            "function_definition" => {
                if let Some(name) = node.child_by_field_name("name") {
                    let (params, ty) = (
                        self.field(node, "parameters"),
                        self.field(node, "return_type"),
                    );
                    let full = self.qualified(name);
                    let line = member_line("file", "global", "function", &full, params, ty);
                    self.found.add(name.start_byte(), line);
                }
            }
            "const_declaration" if !is_member => {
                for name in named(node).into_iter().filter_map(|e| child(e, "name")) {
                    let line = format!("const {}", self.qualified(name));
                    self.found.add(name.start_byte(), line);
                }
            }
            "function_call_expression" => self.define(node),
            _ => {}
        }
    }

    fn uses(&mut self, node: Node<'_>) {
        let group = node.child_by_field_name("body");
        let prefix = child(node, "namespace_name").map_or("", |prefix| self.text(prefix));
        for clause in named(group.unwrap_or(node)) {
            if clause.kind() != "namespace_use_clause" {
                continue;
            }
            let kinds = [
                self.field(clause, "type"),
                self.field(node, "type"),
                "class",
            ];
            let kind = kinds.into_iter().find(|kind| !kind.is_empty());
            let kind = kind.unwrap_or_default().to_ascii_lowercase();
            if let Some(name) = names(clause).next() {
                let alias = self.field(clause, "alias");
                let line = use_line(&kind, prefix, self.text(name), alias);
                self.found.add(name.start_byte(), line);
            }
        }
    }

    /// `define('NAME', …)` with a plain string.
    fn define(&mut self, node: Node<'_>) {
        let function = self.field(node, "function").trim_start_matches('\\');
        if !function.eq_ignore_ascii_case("define") {
            return;
        }
        let first = node
            .child_by_field_name("arguments")
            .and_then(|arguments| child(arguments, "argument"))
            .and_then(|argument| argument.named_child(0));
        let Some(string) = first else { return };
        let parts = named(string);
        let plain = matches!(string.kind(), "string" | "encapsed_string");
        let plain = plain && parts.iter().all(|part| part.kind() == "string_content");
        if let (true, Some(name)) = (plain, parts.first()) {
            let line = format!("define {}", self.text(*name));
            self.found.add(name.start_byte(), line);
        }
    }

    fn class(&mut self, node: Node<'_>) {
        let Some(body) = node.child_by_field_name("body") else {
            return;
        };
        let (at, name) = match node.child_by_field_name("name") {
            Some(name) => (name.start_byte(), self.qualified(name)),
            None => (body.start_byte(), "class@anonymous".to_owned()),
        };
        let kind = match node.kind() {
            "interface_declaration" => "interface",
            "trait_declaration" => "trait",
            "enum_declaration" => "enum",
            _ => "class",
        };
        let lines = self.text(body).lines().count();
        self.found
            .add(at, format!("{kind} {name} of {lines} lines"));
        for (clause, part) in [
            ("base_clause", "extends"),
            ("class_interface_clause", "implements"),
        ] {
            for parent in child(node, clause).into_iter().flat_map(names) {
                let line = format!("{name} {part} {}", self.text(parent));
                self.found.add(parent.start_byte(), line);
            }
        }
        for member in named(body) {
            self.member(member, &name);
        }
    }

    fn member(&mut self, node: Node<'_>, class: &str) {
        match node.kind() {
            "use_declaration" => {
                for used in names(node) {
                    let line = format!("{class} uses trait {}", self.text(used));
                    self.found.add(used.start_byte(), line);
                }
                if let Some(rules) = child(node, "use_list") {
                    let text = one_line(self.text(rules));
                    let line = format!("{class} has trait rules {text}");
                    self.found.add(rules.start_byte(), line);
                }
            }
            "method_declaration" => {
                self.add_member(node, node, class, "method");
                let parameters = node.child_by_field_name("parameters");
                for parameter in parameters.into_iter().flat_map(named) {
                    if parameter.kind() == "property_promotion_parameter" {
                        self.add_member(parameter, parameter, class, "property");
                    }
                }
            }
            "property_declaration" => {
                for element in named(node) {
                    if element.kind() == "property_element" {
                        self.add_member(node, element, class, "property");
                    }
                }
            }
            "const_declaration" => {
                for element in named(node) {
                    if element.kind() == "const_element" {
                        self.add_member(node, element, class, "constant");
                    }
                }
            }
            "enum_case" => self.add_member(node, node, class, "case"),
            _ => {}
        }
    }

    /// Adds the member that `declaration` declares under the name in `element`.
    fn add_member(&mut self, declaration: Node<'_>, element: Node<'_>, class: &str, kind: &str) {
        let field = element.child_by_field_name("name");
        let Some(mut name) = field.or_else(|| child(element, "name")) else {
            return;
        };
        if name.kind() == "by_ref" {
            name = name.named_child(0).unwrap_or(name);
        }
        let (mut visibility, mut scope) = (String::from("public"), "");
        for modifier in named(declaration) {
            match modifier.kind() {
                // `private(set)` restricts writing, not reading.
                "visibility_modifier" if modifier.named_child_count() == 0 => {
                    visibility = self.text(modifier).to_ascii_lowercase();
                }
                "static_modifier" => scope = " static",
                _ => {}
            }
        }
        let modifiers = visibility + scope;
        let ty = match kind {
            "method" => self.field(declaration, "return_type"),
            _ => self.field(declaration, "type"),
        };
        let params = match kind {
            "method" => self.field(declaration, "parameters"),
            _ => "",
        };
        let written = self.text(name).trim_start_matches('$');
        let line = member_line(class, &modifiers, kind, written, params, ty);
        self.found.add(name.start_byte(), line);
    }
}

/// The result of the comparison of many files.
#[derive(Debug, Default)]
pub(crate) struct Agreement {
    /// Files whose declarations were compared.
    pub(crate) files: usize,
    /// Files that tree-sitter cannot read without errors.
    pub(crate) unreadable: usize,
    /// Declarations that both readers find.
    pub(crate) both: usize,
    /// One line for each declaration that only one reader finds: `FILE:LINE: …`.
    pub(crate) differences: Vec<String>,
}

impl Agreement {
    /// Compares the declarations that both readers find in `source`, the text of
    /// `file`.
    pub(crate) fn add(&mut self, file: &str, source: &str, facts: &FileFacts) {
        let Some(theirs) = from_tree(source) else {
            self.unreadable += 1;
            return;
        };
        self.files += 1;
        let ours = from_facts(source, facts);
        let mut count = BTreeMap::<&Declaration, (usize, usize)>::new();
        for declaration in &theirs {
            count.entry(declaration).or_default().0 += 1;
        }
        for declaration in &ours {
            count.entry(declaration).or_default().1 += 1;
        }
        for (declaration, (theirs, ours)) in count {
            self.both += theirs.min(ours);
            let only = if theirs > ours { "tree-sitter" } else { "fimd" };
            for _ in 0..theirs.abs_diff(ours) {
                let line = format!("{file}:{declaration} (only {only})");
                self.differences.push(line);
            }
        }
    }

    /// The first `limit` differences, one per line.
    pub(crate) fn first(&self, limit: usize) -> String {
        let mut text = self.differences[..limit.min(self.differences.len())].join("\n");
        if self.differences.len() > limit {
            let _ = write!(text, "\n… and {} more", self.differences.len() - limit);
        }
        text
    }
}

impl Display for Agreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} files ({} more have syntax errors): {} declarations agree, {} differ",
            self.files,
            self.unreadable,
            self.both,
            self.differences.len()
        )
    }
}

/// Every `.php` file below `folder`, in order.
pub(crate) fn php_files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = ignore::WalkBuilder::new(folder)
        .standard_filters(false)
        .build()
        .map(|entry| entry.expect("the folder can be read").into_path())
        .filter(|path| path.extension().is_some_and(|e| e == "php") && path.is_file())
        .collect();
    files.sort();
    files
}

/// The text of `path`, lossily.
pub(crate) fn read(path: &Path) -> String {
    let bytes = std::fs::read(path).expect("the file can be read");
    String::from_utf8_lossy(&bytes).into_owned()
}
