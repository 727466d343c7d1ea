//! The signal `similar-files`: names used in the files that use the same names
//! as the buffer.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::context::rank::name_table::{NameSignal, NameTable};
use crate::context::rank::surroundings::Surroundings;
use crate::context::weights::{
    COMMON_NAME, FILES_COMPARED, MAX_USERS, NEIGHBOUR_EXPONENT, SIBLING_FILE, SIMILAR_FILES,
    USED_CLASS, nearness, rarity, similarity,
};
use crate::index::symbols::{NameKind, UseKey};
use crate::index::{SourceFile, UsedNameId};

/// Adds the names used in the files most similar to the buffer.
pub(in crate::context::rank) fn add_used_in_files<'a>(
    surroundings: &Surroundings<'a>,
    names: &mut NameTable<'a>,
) {
    // Most names are used by several of the files. What is known of each: its number in
    // the table, its weight by its kind, and whether it is a class.
    let mut known: FxHashMap<UsedNameId, Option<(u32, f32, bool)>> = FxHashMap::default();
    for (file, weight) in similar_files(surroundings) {
        for used in surroundings.snapshot.names_used(file) {
            let known = known.entry(used.id()).or_insert_with(|| {
                let (kind, name) = used.name()?;
                let (kind_weight, is_class) =
                    (surroundings.kind_weight(kind), kind == NameKind::Class);
                (is_class || kind_weight > 0.0)
                    .then(|| (names.number(kind, name), kind_weight, is_class))
            });
            let Some((number, kind_weight, is_class)) = *known else {
                continue;
            };
            if is_class {
                names.add_relevance(number, weight * USED_CLASS);
            }
            if kind_weight > 0.0 {
                names.weigh(NameSignal::SimilarFiles, number, weight * kind_weight);
            }
        }
    }
}

/// The numbers of the files that use the same names as the buffer, rare names
/// counting more, with weights from 1 down.
fn similar_files(surroundings: &Surroundings<'_>) -> Vec<(usize, f32)> {
    let mut similar = files_with_shared_names(surroundings);
    // Folders and parent classes are compared for the best files only.
    let folder = folder(surroundings.buffer.path);
    let siblings = surroundings.siblings.iter();
    let siblings: FxHashSet<&str> = siblings.map(|class| class.path).collect();
    for file in &mut similar {
        let (shared, longest) = shared_folders(folder, file.path);
        file.score *= nearness(shared, longest);
        if siblings.contains(file.path) {
            file.score *= SIBLING_FILE;
        }
    }
    similar.sort_by(SimilarFile::order);
    let best = similar.first().map_or(1.0, |file| file.score);
    let nearest = similar.into_iter().take(SIMILAR_FILES);
    nearest
        .map(|file| (file.number, (file.score / best).powi(NEIGHBOUR_EXPONENT)))
        .collect()
}

/// A file that uses names of the buffer.
struct SimilarFile<'a> {
    score: f32,
    path: &'a str,
    number: usize,
}

impl SimilarFile<'_> {
    /// The highest score first, then by path.
    fn order(a: &Self, b: &Self) -> std::cmp::Ordering {
        b.score.total_cmp(&a.score).then_with(|| a.path.cmp(b.path))
    }
}

/// The [`FILES_COMPARED`] files that share the most names with the buffer, in
/// no order.
fn files_with_shared_names<'a>(surroundings: &Surroundings<'a>) -> Vec<SimilarFile<'a>> {
    let (snapshot, path) = (surroundings.snapshot, surroundings.buffer.path);
    let total = snapshot.file_count();
    let mut found: Vec<(f32, Option<&'a Arc<SourceFile>>)> =
        vec![(0.0, None); snapshot.file_numbers()];
    for (kind, name) in surroundings.names_near_cursor() {
        let key = UseKey::Name(kind, &name);
        let count = snapshot.users(key);
        if count * COMMON_NAME > total || count > MAX_USERS {
            continue;
        }
        let weight = rarity(total, count);
        for user in snapshot.uses(key) {
            found[user.number].0 += weight;
            found[user.number].1 = Some(user.file);
        }
    }
    let similar = found.into_iter().enumerate();
    let similar = similar.filter_map(|(number, (shared, file))| {
        let file = file.filter(|file| *file.path != *path && shared > 0.0)?;
        Some(SimilarFile {
            score: similarity(shared, file.facts.references.len()),
            path: &file.path,
            number,
        })
    });
    let mut similar: Vec<SimilarFile<'a>> = similar.collect();
    if similar.len() > FILES_COMPARED {
        similar.select_nth_unstable_by(FILES_COMPARED, SimilarFile::order);
        similar.truncate(FILES_COMPARED);
    }
    similar
}

/// The folder part of a path, with its slash.
fn folder(path: &str) -> &str {
    &path[..path.rfind('/').map_or(0, |slash| slash + 1)]
}

/// How many leading folders of `from` and of the file `path` are the same, and
/// how many folders the longer of the two has.
fn shared_folders(from: &str, path: &str) -> (usize, usize) {
    let (mine, its) = (from.as_bytes(), folder(path).as_bytes());
    let pairs = mine.iter().zip(its).take_while(|(a, b)| a == b);
    let shared = pairs.filter(|(byte, _)| **byte == b'/').count();
    let slashes = |path: &[u8]| path.iter().filter(|byte| **byte == b'/').count();
    // A slash at the start of a path ends no folder.
    let is_absolute = |path: &[u8]| usize::from(path.first() == Some(&b'/'));
    let folders = |path: &[u8]| slashes(path) - is_absolute(path);
    let both = is_absolute(mine).min(is_absolute(its));
    (shared - both, folders(mine).max(folders(its)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_compared_from_the_first() {
        for (from, path, shared) in [
            ("a/b/", "a/b/c.php", (2, 2)),
            ("a/b/", "a/bc/d.php", (1, 2)),
            ("a/", "a/b/c/d.php", (1, 3)),
            ("", "a.php", (0, 0)),
            ("b/a/", "a/a/x.php", (0, 2)),
            ("/a/b/", "a/b/c.php", (0, 2)),
            ("/a/b/", "/a/c.php", (1, 2)),
        ] {
            assert_eq!(shared_folders(from, path), shared, "{from} {path}");
        }
    }
}
