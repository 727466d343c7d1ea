//! The signal `nearby`: classes of the buffer's own folder, which need no import, and
//! the names that methods called like the one at the cursor use there.

use std::borrow::Cow;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::context::rank::names::NameWeights;
use crate::context::rank::near_words::NearWords;
use crate::context::rank::surroundings::Surroundings;
use crate::context::weights::{NEARBY_CLASSES, NEARBY_FILES, SAME_METHODS, nearby_class};
use crate::index::symbols::{ClassRef, NameKind, used_name};
use crate::index::terms::name_words;
use crate::php::MemberKind;
use crate::php::names::Scope;

/// Adds the classes that files of the buffer's folder declare. Those that more of
/// these files use, and those named by words near the cursor, weigh more.
pub(in crate::context::rank) fn add_classes_nearby<'a>(
    surroundings: &Surroundings<'a>,
    near: &NearWords,
    names: &mut NameWeights<'a>,
) {
    let kind_weight = surroundings.kind_weight(NameKind::Class);
    if kind_weight == 0.0 {
        return;
    }
    let (snapshot, path) = (surroundings.snapshot, surroundings.buffer.path);
    let files = snapshot.files_in(folder(path), NEARBY_FILES);
    let mut users: FxHashMap<&str, u32> = FxHashMap::default();
    let mut classes: Vec<ClassRef<'a>> = Vec::new();
    for (number, file) in files {
        if *file.path == *path {
            continue;
        }
        for (kind, name) in snapshot.names_used(number) {
            if kind == NameKind::Class {
                *users.entry(name).or_default() += 1;
            }
        }
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
            let users = users.get(&*name).copied().unwrap_or(0);
            (nearby_class(users, shared), name)
        })
        .collect();
    weighed.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    for (weight, name) in weighed.into_iter().take(NEARBY_CLASSES) {
        names.add(NameKind::Class, Cow::Owned(name), kind_weight * weight);
    }
}

/// Adds the names that other classes use in a method called like the one at the
/// cursor: the siblings and parents of its class, and the classes of its folder.
pub(in crate::context::rank) fn add_same_methods<'a>(
    surroundings: &Surroundings<'a>,
    names: &mut NameWeights<'a>,
) {
    let buffer = surroundings.buffer;
    let method = buffer.method_name();
    if method.is_empty() {
        return;
    }
    let mut classes: Vec<ClassRef<'a>> = surroundings.siblings();
    if let Some(members) = surroundings.inference.members_at_cursor() {
        let parents = members.hierarchy().iter().skip(1);
        classes.extend(parents.filter(|class| class.path != buffer.path));
    }
    for (_, file) in surroundings
        .snapshot
        .files_in(folder(buffer.path), NEARBY_FILES)
    {
        if *file.path != *buffer.path {
            classes.extend((0..file.facts.classes.len()).map(|item| ClassRef::of(file, item)));
        }
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
fn add_used_between<'a>(
    surroundings: &Surroundings<'a>,
    class: ClassRef<'a>,
    start: u32,
    end: u32,
    names: &mut NameWeights<'a>,
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
            && let Some(name) = used_name(kind, written, &scope)
        {
            names.add(kind, name, weight);
        }
    }
}

/// The folder part of a path, with its slash.
fn folder(path: &str) -> &str {
    &path[..path.rfind('/').map_or(0, |slash| slash + 1)]
}
