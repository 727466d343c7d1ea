//! The signal `reach`: names within reach of the cursor. These are members of
//! the variables in reach, classes that the buffer imports, and what the
//! included files declare.

use crate::cancel::{Cancel, Cancelled};
use crate::context::candidate::Candidate;
use crate::context::included::included_files;
use crate::context::rank::name_table::{NameSignal, NameTable};
use crate::context::rank::names::FoldedName;
use crate::context::rank::near_words::NearWords;
use crate::context::rank::signals::types::MemberAdder;
use crate::context::rank::surroundings::Surroundings;
use crate::context::site::Site;
use crate::context::weights::{
    IMPORTED_STATIC, PROPERTIES_IN_REACH, REACH_CLASS, UNUSED_IMPORT, VARIABLES_IN_REACH,
    package_function_weight,
};
use crate::index::symbols::{ClassRef, DeclKind, Declaration, NameKind, UseKey};
use crate::php::{ImportKind, MemberKind, Visibility};

/// Adds the members of the types of the variables in reach.
///
/// # Errors
/// [`Cancelled`] once `cancel` is set.
pub(in crate::context::rank) fn add_members_in_reach<'a>(
    surroundings: &Surroundings<'a>,
    near: &NearWords,
    names: &mut NameTable<'a>,
    cancel: &Cancel,
) -> Result<(), Cancelled> {
    let operator = surroundings.buffer.before;
    let inference = surroundings.inference;
    let mut types = inference.types_in_reach(operator, VARIABLES_IN_REACH);
    if !surroundings.buffer.method_name().is_empty() {
        types.extend(inference.types_of_properties(PROPERTIES_IN_REACH));
        if surroundings.site == Site::Body {
            types.push(inference.class_at_cursor());
        }
    }
    let mut adder = MemberAdder::behind(surroundings, operator, near, NameSignal::Reach);
    for types in types {
        cancel.check()?;
        names.add_relevant(&types, REACH_CLASS);
        let told = inference.conventional_members_of(&types);
        adder.add(&types, told, names);
    }
    Ok(())
}

/// Adds the static methods of the classes that the buffer imports.
pub(in crate::context::rank) fn add_imported_statics<'a>(
    surroundings: &Surroundings<'a>,
    near: &NearWords,
    names: &mut NameTable<'a>,
) {
    let inference = surroundings.inference;
    for import in surroundings.buffer.scope().imports() {
        let class = Some(&import).filter(|import| import.kind == ImportKind::Class);
        let Some(class) = class.and_then(|import| inference.class(&import.target)) else {
            continue;
        };
        for (index, member) in class.class().members.iter().enumerate() {
            if member.kind == MemberKind::Method
                && member.is_static
                && member.visibility == Visibility::Public
            {
                let name = member.name.of(class.text);
                let number = names.number(NameKind::Method, NameKind::Method.folded(name));
                let weight = IMPORTED_STATIC * (1.0 + near.shared(name));
                names.weigh(NameSignal::Reach, number, weight);
                let declared = || Candidate::Declared(Declaration::Member(class, index));
                names.offer(number, declared);
            }
        }
    }
}

/// Adds what the files that the buffer includes declare.
pub(in crate::context::rank) fn add_included<'a>(
    surroundings: &Surroundings<'a>,
    names: &mut NameTable<'a>,
) {
    for file in included_files(surroundings.buffer, surroundings.snapshot) {
        let (facts, text) = (&file.facts, &*file.text);
        let classes = (0..facts.classes.len()).map(|item| ClassRef::of(file, item));
        let classes = classes.filter(|class| !class.short_name().is_empty());
        let classes = classes.map(|class| (NameKind::Class, class.name()));
        let functions = facts.functions.iter();
        let functions = functions.map(|f| (NameKind::Function, f.name.of(text).to_owned()));
        let constants = facts.constants.iter();
        let constants = constants.map(|c| (NameKind::Constant, c.name.of(text).to_owned()));
        for (kind, name) in classes.chain(functions).chain(constants) {
            let weight = surroundings.kind_weight(kind);
            if weight > 0.0 {
                names.add(NameSignal::Reach, kind, kind.fold(&name), weight);
            }
        }
    }
}

/// Adds the functions of packages that other files of the project use, by how many
/// files use them.
pub(in crate::context::rank) fn add_functions_of_packages<'a>(
    surroundings: &Surroundings<'a>,
    names: &mut NameTable<'a>,
) {
    let (snapshot, path) = (surroundings.snapshot, surroundings.buffer.path);
    let Some(packages) = surroundings.inference.lookup.packages() else {
        return;
    };
    for function in packages.with_prefix(DeclKind::Function, "") {
        let name = NameKind::Function.folded(function.short_name());
        let key = UseKey::Name(NameKind::Function, &name);
        if snapshot.users(key) == 0 {
            continue;
        }
        let users = snapshot.uses(key);
        let users = users.filter(|user| *user.file.path != *path).count();
        if users > 0 {
            let weight = package_function_weight(users);
            names.add(NameSignal::Reach, NameKind::Function, name, weight);
        }
    }
}

/// Adds the classes that the buffer imports and does not use yet. Programmers
/// often write the import first.
pub(in crate::context::rank) fn add_unused_imports<'a>(
    surroundings: &Surroundings<'a>,
    names: &mut NameTable<'a>,
) {
    let used = surroundings.names_in_buffer();
    for import in surroundings.buffer.scope().imports() {
        let class = NameKind::Class.fold(&import.target);
        let name: FoldedName<'a> = (NameKind::Class, class.into());
        if import.kind == ImportKind::Class && used.binary_search(&name).is_err() {
            names.add(NameSignal::Reach, name.0, name.1, UNUSED_IMPORT);
        }
    }
}
