//! The signal `nearby`: classes of the buffer's own folder, which need no import, and
//! the names that methods called like the one at the cursor use there.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::context::rank::name_table::{NameSignal, NameTable};
use crate::context::rank::near_words::NearWords;
use crate::context::rank::surroundings::Surroundings;
use crate::context::weights::{NEARBY_CLASSES, NEARBY_FILES, SAME_METHODS, nearby_class};
use crate::index::SourceFile;
use crate::index::symbols::{ClassRef, NameKind, UseKey};
use crate::index::terms::name_words;
use crate::php::MemberKind;
use crate::php::names::Scope;

/// Other files of the buffer's folder, with their numbers, in the order of paths.
pub(in crate::context::rank) fn files_nearby<'a>(
    surroundings: &Surroundings<'a>,
) -> Vec<(usize, &'a Arc<SourceFile>)> {
    let (snapshot, path) = (surroundings.snapshot, surroundings.buffer.path);
    let mut files = snapshot.files_in(folder(path), NEARBY_FILES);
    files.retain(|(_, file)| *file.path != *path);
    files
}

/// Adds the classes that `files`, those of the buffer's folder, declare. Those that more
/// of these files use, and those named by words near the cursor, weigh more.
pub(in crate::context::rank) fn add_classes_nearby<'a>(
    surroundings: &Surroundings<'a>,
    files: &[(usize, &'a Arc<SourceFile>)],
    near: &NearWords,
    names: &mut NameTable<'a>,
) {
    let kind_weight = surroundings.kind_weight(NameKind::Class);
    if kind_weight == 0.0 {
        return;
    }
    let mut numbers: Vec<usize> = files.iter().map(|(number, _)| *number).collect();
    numbers.sort_unstable();
    let mut classes: Vec<ClassRef<'a>> = Vec::new();
    for (_, file) in files {
        let declared = (0..file.facts.classes.len()).map(|item| ClassRef::of(file, item));
        classes.extend(declared.filter(|class| !class.short_name().is_empty()));
    }
    // The near words in the classes' names, each with the position of its class. A word
    // of every class's name tells none from another.
    let mut shared_words: Vec<(usize, &str, f32)> = Vec::new();
    let mut counts: FxHashMap<&str, u32> = FxHashMap::default();
    for (at, class) in classes.iter().enumerate() {
        name_words(class.short_name(), |word| {
            if let Some((word, weight)) = near.find(word) {
                shared_words.push((at, word, weight));
                *counts.entry(word).or_default() += 1;
            }
        });
    }
    let mut shared = vec![0.0_f32; classes.len()];
    for (at, word, weight) in shared_words {
        let count = counts.get(word).copied().unwrap_or(1) as f32;
        shared[at] += weight * (1.0 + classes.len() as f32 / count).ln();
    }
    let mut weighed: Vec<(f32, String)> = classes
        .iter()
        .zip(shared)
        .map(|(class, shared)| {
            let name = NameKind::Class.fold(&class.name());
            let key = UseKey::Name(NameKind::Class, &name);
            let users = surroundings.snapshot.users_among(key, &numbers);
            (nearby_class(users as u32, shared), name)
        })
        .collect();
    weighed.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    for (weight, name) in weighed.into_iter().take(NEARBY_CLASSES) {
        let weight = kind_weight * weight;
        names.add(NameSignal::NearbyClasses, NameKind::Class, name, weight);
    }
}

/// Adds the names that other classes use in a method called like the one at the
/// cursor: the siblings and parents of its class, and the classes of `files`, those of
/// its folder.
pub(in crate::context::rank) fn add_same_methods<'a>(
    surroundings: &Surroundings<'a>,
    files: &[(usize, &'a Arc<SourceFile>)],
    names: &mut NameTable<'a>,
) {
    let buffer = surroundings.buffer;
    let method = buffer.method_name();
    if method.is_empty() {
        return;
    }
    let mut classes: Vec<ClassRef<'a>> = surroundings.siblings.clone();
    if let Some(members) = surroundings.inference.members_at_cursor() {
        let parents = members.hierarchy().iter().skip(1);
        classes.extend(parents.filter(|class| class.path != buffer.path));
    }
    for (_, file) in files {
        classes.extend((0..file.facts.classes.len()).map(|item| ClassRef::of(file, item)));
    }
    let mut seen: Vec<(&str, u32)> = Vec::new();
    for class in classes {
        let members = class.class().members.iter();
        let same = members.filter(|member| {
            member.kind == MemberKind::Method
                && member.name.len() == method.len()
                && member.name.of(class.text).eq_ignore_ascii_case(method)
        });
        for member in same {
            let place = (class.path, member.name.start);
            if seen.len() < SAME_METHODS && !seen.contains(&place) {
                seen.push(place);
                add_used_between(surroundings, class, member.head.end, member.end, names);
            }
        }
    }
}

/// Adds each name that the bytes from `start` to `end` of the class's file use, once.
fn add_used_between(
    surroundings: &Surroundings<'_>,
    class: ClassRef<'_>,
    start: u32,
    end: u32,
    names: &mut NameTable<'_>,
) {
    let references = &class.facts.references;
    let first = references.partition_point(|r| r.name().start < start);
    let inside = references[first..]
        .iter()
        .take_while(|r| r.name().start < end);
    let scope = Scope::at(class.facts, class.text, start as usize);
    let mut seen: FxHashSet<(NameKind, &str)> = FxHashSet::default();
    for reference in inside {
        let kind = NameKind::from(reference.kind);
        let written = reference.name().of(class.text);
        let weight = surroundings.kind_weight(kind);
        if weight > 0.0
            && seen.insert((kind, written))
            && let Some(number) = names.used(kind, written, &scope)
        {
            names.weigh(NameSignal::SameMethods, number, weight);
        }
    }
}

/// The folder part of a path, with its slash.
fn folder(path: &str) -> &str {
    &path[..path.rfind('/').map_or(0, |slash| slash + 1)]
}
