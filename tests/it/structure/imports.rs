//! Which file of `src/` imports which: the import graph that the rules of
//! `structure.rs` are checked on.
//!
//! A name that a module re-exports counts as an import of the file that defines
//! it. `mod` declarations are no imports, and code under `#[cfg(test)]` is left
//! out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

/// A module by its path below the crate, such as `["index", "bm25"]`.
pub(super) type Module = Vec<String>;

/// A path as it stands in the code, from its first segment on.
type Segments = Vec<String>;

/// The modules of a crate and what each of them imports.
pub(super) struct Crate {
    modules: BTreeMap<Module, File>,
}

/// What one file says.
#[derive(Default)]
struct File {
    /// Child modules that the file declares.
    children: BTreeSet<String>,
    /// Names that `pub use` gives onwards, each with the path behind it.
    exports: BTreeMap<String, Segments>,
    /// Modules whose names are all given onwards.
    glob_exports: Vec<Segments>,
    /// Every path in the code.
    paths: BTreeSet<Segments>,
    /// Types and traits that other files can see.
    types: Vec<String>,
}

impl Crate {
    /// Reads every `.rs` file below `src`.
    pub(super) fn read(src: &Path) -> Self {
        let mut sources = Vec::new();
        collect(src, &mut Vec::new(), &mut sources);
        Self::new(sources)
    }

    /// The crate of these modules and their source texts.
    pub(super) fn new(sources: impl IntoIterator<Item = (Module, String)>) -> Self {
        let modules = sources
            .into_iter()
            .map(|(module, source)| {
                let syntax = syn::parse_file(&source)
                    .unwrap_or_else(|error| panic!("{}: {error}", module.join("::")));
                let mut file = File::default();
                file.visit_file(&syntax);
                (module, file)
            })
            .collect();
        Self { modules }
    }

    /// For each module, the modules that it imports from.
    pub(super) fn imports(&self) -> BTreeMap<&Module, BTreeSet<&Module>> {
        self.modules
            .iter()
            .map(|(module, file)| {
                let found = file
                    .paths
                    .iter()
                    .filter_map(|path| self.resolve(module, path, 0))
                    .filter(|&target| target != module)
                    .collect();
                (module, found)
            })
            .collect()
    }

    /// For each module, the paths in it that lead out of the crate.
    pub(super) fn foreign(&self) -> impl Iterator<Item = (&Module, &Segments)> {
        self.modules.iter().flat_map(move |(module, file)| {
            file.paths
                .iter()
                .filter(move |path| self.resolve(module, path, 0).is_none())
                .map(move |path| (module, path))
        })
    }

    /// Types and traits that more than their own file can see, each with the
    /// modules that define one of that name.
    pub(super) fn visible_types(&self) -> BTreeMap<&str, Vec<&Module>> {
        let mut types = BTreeMap::<&str, Vec<&Module>>::new();
        for (module, file) in &self.modules {
            for name in &file.types {
                types.entry(name).or_default().push(module);
            }
        }
        types
    }

    /// The module that defines what `path` in `module` names.
    fn resolve(&self, module: &Module, path: &[String], depth: usize) -> Option<&Module> {
        assert!(depth < 32, "re-exports in a circle: {path:?}");
        let mut base = module.clone();
        let mut rest = path;
        match path.first()?.as_str() {
            "crate" => {
                base.clear();
                rest = &path[1..];
            }
            "self" => rest = &path[1..],
            "super" => {
                while rest.first().is_some_and(|segment| segment == "super") {
                    base.pop();
                    rest = &rest[1..];
                }
            }
            first if self.modules[module].children.contains(first) => {}
            _ => return None,
        }
        loop {
            let (here, file) = self.modules.get_key_value(&base)?;
            let Some((next, behind)) = rest.split_first() else {
                return Some(here);
            };
            if file.children.contains(next) {
                base.push(next.clone());
                rest = behind;
                continue;
            }
            let named = file.exports.get(next).map(|target| {
                let mut target = target.clone();
                target.extend_from_slice(behind);
                target
            });
            let through_glob = || {
                file.glob_exports.iter().find_map(|glob| {
                    let glob = [glob, rest].concat();
                    let target = self.resolve(here, &glob, depth + 1)?;
                    let defines = &self.modules[target];
                    defines.types.contains(next).then_some(target)
                })
            };
            return match named {
                Some(target) => self.resolve(here, &target, depth + 1),
                None => Some(through_glob().unwrap_or(here)),
            };
        }
    }
}

/// Adds the modules below `folder`, which is module `at`, to `sources`.
fn collect(folder: &Path, at: &mut Module, sources: &mut Vec<(Module, String)>) {
    let entries = std::fs::read_dir(folder).expect("a folder of the crate");
    for entry in entries {
        let path = entry.expect("a file of the crate").path();
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        let stem = stem.expect("a file name").to_owned();
        if path.is_dir() {
            at.push(stem);
            collect(&path, at, sources);
            at.pop();
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let mut module = at.clone();
            match stem.as_str() {
                "tests" | "main" => continue,
                "lib" => {}
                _ => module.push(stem),
            }
            let source = std::fs::read_to_string(&path).expect("a source file");
            sources.push((module, source));
        }
    }
}

impl File {
    /// Notes what `tree`, behind `before`, imports and gives onwards.
    fn use_tree(&mut self, tree: &syn::UseTree, before: &mut Segments, is_public: bool) {
        match tree {
            syn::UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.use_tree(&path.tree, before, is_public);
                before.pop();
            }
            syn::UseTree::Group(group) => {
                for tree in &group.items {
                    self.use_tree(tree, before, is_public);
                }
            }
            syn::UseTree::Glob(_) => {
                self.paths.insert(before.clone());
                if is_public {
                    self.glob_exports.push(before.clone());
                }
            }
            syn::UseTree::Name(name) => {
                let name = name.ident.to_string();
                self.import(before, &name, &name, is_public);
            }
            syn::UseTree::Rename(rename) => {
                let (name, new) = (rename.ident.to_string(), rename.rename.to_string());
                self.import(before, &name, &new, is_public);
            }
        }
    }

    /// Notes the import of `before::name` as `new`.
    fn import(&mut self, before: &[String], name: &str, new: &str, is_public: bool) {
        let mut path = before.to_vec();
        if name != "self" {
            path.push(name.to_owned());
        }
        if is_public {
            self.exports.insert(new.to_owned(), path.clone());
        }
        self.paths.insert(path);
    }

    /// Notes the paths in a macro's arguments, which are tokens and no syntax.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path = Segments::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.end_path(&mut path);
                    }
                    path.push(ident.to_string());
                    colons = 0;
                }
                other => {
                    self.end_path(&mut path);
                    colons = 0;
                    if let TokenTree::Group(group) = other {
                        self.tokens(group.stream());
                    }
                }
            }
        }
        self.end_path(&mut path);
    }

    /// Notes `path`, if it is more than a lone name, and empties it.
    fn end_path(&mut self, path: &mut Segments) {
        let path = std::mem::take(path);
        if path.len() > 1 {
            self.paths.insert(path);
        }
    }

    /// Notes a type or trait, if more than its own file can see it.
    fn declare(&mut self, name: &syn::Ident, visibility: &syn::Visibility) {
        if !matches!(visibility, syn::Visibility::Inherited) {
            self.types.push(name.to_string());
        }
    }
}

impl<'a> Visit<'a> for File {
    fn visit_item(&mut self, item: &'a syn::Item) {
        if !attributes(item).iter().any(is_test) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, module: &'a syn::ItemMod) {
        if module.content.is_none() {
            self.children.insert(module.ident.to_string());
        }
        visit::visit_item_mod(self, module);
    }

    fn visit_item_use(&mut self, item: &'a syn::ItemUse) {
        let is_public = !matches!(item.vis, syn::Visibility::Inherited);
        self.use_tree(&item.tree, &mut Segments::new(), is_public);
    }

    fn visit_item_struct(&mut self, item: &'a syn::ItemStruct) {
        self.declare(&item.ident, &item.vis);
        visit::visit_item_struct(self, item);
    }

    fn visit_item_enum(&mut self, item: &'a syn::ItemEnum) {
        self.declare(&item.ident, &item.vis);
        visit::visit_item_enum(self, item);
    }

    fn visit_item_trait(&mut self, item: &'a syn::ItemTrait) {
        self.declare(&item.ident, &item.vis);
        visit::visit_item_trait(self, item);
    }

    fn visit_item_type(&mut self, item: &'a syn::ItemType) {
        self.declare(&item.ident, &item.vis);
        visit::visit_item_type(self, item);
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        let segments = path.segments.iter();
        let mut segments = segments.map(|segment| segment.ident.to_string()).collect();
        self.end_path(&mut segments);
        visit::visit_path(self, path);
    }

    fn visit_visibility(&mut self, _: &'a syn::Visibility) {}

    fn visit_macro(&mut self, call: &'a syn::Macro) {
        self.tokens(call.tokens.clone());
    }

    fn visit_attribute(&mut self, _: &'a syn::Attribute) {}
}

/// The attributes of an item.
fn attributes(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Const(item) => &item.attrs,
        syn::Item::Enum(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Macro(item) => &item.attrs,
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Static(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        syn::Item::Trait(item) => &item.attrs,
        syn::Item::Type(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Whether what stands behind this attribute is compiled for tests only.
fn is_test(attribute: &syn::Attribute) -> bool {
    let syn::Meta::List(list) = &attribute.meta else {
        return false;
    };
    list.path.is_ident("cfg") && list.tokens.to_string() == "test"
}
