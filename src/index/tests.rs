//! Properties of the index, against a naive BM25 and against a rebuild.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::bm25::{B, K1, idf};
use super::chunk::chunks;
use super::segment::MAX_FREQUENCY;
use super::snapshot::MAX_SEGMENTS;
use super::symbols::{DeclKind, NameKind, UseKey};
use super::terms::terms;
use super::{
    FORMAT, Hit, Index, IndexChange, Query, Snapshot, SourceFile, SourceText, StoredIndex,
};
use crate::cancel::{Cancel, Cancelled};
use crate::php::FileFacts;

fn file(path: &str, text: &str) -> Arc<SourceFile> {
    let facts = FileFacts::default();
    Arc::new(SourceFile::new(path.into(), text.into(), false, facts))
}

fn index(files: &BTreeMap<String, String>) -> Index {
    Index::build(files.iter().map(|(path, text)| file(path, text)).collect())
}

fn search(snapshot: &Snapshot, terms: &[(&str, f32)], exclude: &str, limit: usize) -> Vec<Hit> {
    let most = usize::MAX;
    let query = Query { terms, most };
    let cancel = Cancel::default();
    snapshot.search(&query, exclude, limit, &cancel).unwrap()
}

/// The result of a search: path, start of the chunk, and the bits of the score.
type SearchResult = Vec<(String, usize, u32)>;

fn found(snapshot: &Snapshot, query: &[(&str, f32)], exclude: &str, limit: usize) -> SearchResult {
    let hits = search(snapshot, query, exclude, limit);
    hits.iter()
        .map(|hit| {
            (
                hit.file.path.to_string(),
                hit.chunk.range().start,
                hit.score.to_bits(),
            )
        })
        .collect()
}

/// BM25 by its formula, in f64, over `files` without `exclude`.
fn naive(
    files: &BTreeMap<String, String>,
    query: &Query<'_>,
    exclude: &str,
) -> BTreeMap<(String, usize), f64> {
    let mut collection = Vec::new();
    for (path, text) in files.iter().filter(|(path, _)| *path != exclude) {
        for chunk in chunks(text) {
            let mut counts = BTreeMap::<String, usize>::new();
            terms(chunk.of(text), |term| {
                *counts.entry(term.into()).or_default() += 1
            });
            if !counts.is_empty() {
                collection.push(((path.clone(), chunk.range().start), counts));
            }
        }
    }
    let total: usize = collection
        .iter()
        .map(|(_, counts)| counts.values().sum::<usize>())
        .sum();
    let mean = total as f64 / collection.len() as f64;
    let mut weights: Vec<(&str, f64)> = Vec::new();
    for &(term, weight) in query.terms {
        let holds = |(_, counts): &&(_, BTreeMap<String, usize>)| counts.contains_key(term);
        let frequency = collection.iter().filter(holds).count();
        if frequency > 0 {
            weights.push((term, f64::from(weight) * idf(collection.len(), frequency)));
        }
    }
    weights.sort_by(|a, b| (b.1 as f32).total_cmp(&(a.1 as f32)));
    weights.truncate(query.most);
    let mut scores = BTreeMap::new();
    for (place, counts) in &collection {
        let length = counts.values().sum::<usize>() as f64;
        let mut score = 0.0;
        for &(term, weight) in &weights {
            let tf = counts
                .get(term)
                .map_or(0.0, |&n| n.min(usize::from(MAX_FREQUENCY)) as f64);
            score += weight * tf / (tf + K1 * (1.0 - B + B * length / mean));
        }
        if score > 0.0 {
            scores.insert(place.clone(), score);
        }
    }
    scores
}

const QUERY: [(&str, f32); 6] = [
    ("alpha", 1.0),
    ("betaGamma", 2.0),
    ("gamma", 0.5),
    ("delta", 1.0),
    ("alpha", 0.25),
    ("nowhere", 9.0),
];

fn text() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        4 => Just("alpha "),
        2 => Just("betaGamma "),
        2 => Just("delta(\u{e4}) "),
        3 => Just("epsilon;"),
        3 => Just("\n"),
        2 => Just("\n\n"),
        1 => Just("{ }\n"),
    ];
    prop::collection::vec(word, 0..40).prop_map(|words| words.concat())
}

fn path() -> impl Strategy<Value = String> {
    (0..8_u8).prop_map(|n| format!("{}/f{n}.php", n % 3))
}

proptest! {
    #[test]
    fn search_is_bm25(
        files in prop::collection::btree_map(path(), text(), 0..6),
        exclude in path(),
        limit in 0..12_usize,
        most in 0..8_usize,
    ) {
        let query = Query { terms: &QUERY, most };
        let snapshot = index(&files).snapshot();
        let hits = snapshot.search(&query, &exclude, limit, &Cancel::default()).unwrap();
        let expected = naive(&files, &query, &exclude);
        prop_assert_eq!(hits.len(), expected.len().min(limit));
        let mut ranks: Vec<f64> = expected.values().copied().collect();
        ranks.sort_by(|a, b| b.total_cmp(a));
        for (hit, rank) in hits.iter().zip(ranks) {
            let own = expected[&(hit.file.path.to_string(), hit.chunk.range().start)];
            prop_assert!((f64::from(hit.score) - own).abs() < 1e-5);
            prop_assert!((f64::from(hit.score) - rank).abs() < 1e-5);
        }
        let order = |a: &super::Hit, b: &super::Hit| {
            let score = b.score.total_cmp(&a.score);
            score.then_with(|| (&a.file.path, a.chunk).cmp(&(&b.file.path, b.chunk))).is_lt()
        };
        prop_assert!(hits.is_sorted_by(order));
    }

    #[test]
    fn a_changed_index_answers_like_a_rebuilt_one(
        start in prop::collection::btree_map(path(), text(), 0..6),
        batches in prop::collection::vec(
            prop::collection::vec((path(), prop::option::weighted(0.7, text())), 0..4),
            0..12,
        ),
        overlay in prop::collection::btree_map(path(), text(), 0..3),
        exclude in path(),
    ) {
        let changed = index(&start);
        let mut files = start;
        for batch in batches {
            for (path, text) in &batch {
                match text {
                    Some(text) => files.insert(path.clone(), text.clone()),
                    None => files.remove(path),
                };
            }
            changed.apply(batch.iter().map(|(path, text)| match text {
                Some(text) => IndexChange::Put(file(path, text)),
                None => IndexChange::Remove(path.as_str().into()),
            }));
            let snapshot = changed.snapshot();
            prop_assert!(snapshot.segments().len() <= MAX_SEGMENTS);
            same(&snapshot, &files, &exclude)?;
        }
        let published = changed.snapshot();
        let over = published.with_overlay(overlay.iter().map(|(path, text)| file(path, text)));
        same(&published, &files, &exclude)?;
        files.extend(overlay);
        same(&over, &files, &exclude)?;
    }
}

/// Checks that `snapshot` answers like one that is built from `files`.
fn same(
    snapshot: &Snapshot,
    files: &BTreeMap<String, String>,
    exclude: &str,
) -> Result<(), TestCaseError> {
    let rebuilt = index(files).snapshot();
    let listed: Vec<_> = snapshot.files().map(|f| (&*f.path, &*f.text)).collect();
    let expected: Vec<_> = files
        .iter()
        .map(|(path, text)| (&**path, &**text))
        .collect();
    prop_assert_eq!(listed, expected);
    prop_assert_eq!(snapshot.chunk_count(), rebuilt.chunk_count());
    for limit in [3, 100] {
        prop_assert_eq!(
            found(snapshot, &QUERY, exclude, limit),
            found(&rebuilt, &QUERY, exclude, limit)
        );
    }
    for path in files.keys() {
        prop_assert_eq!(snapshot.file(path).map(|f| &*f.text), Some(&*files[path]));
    }
    prop_assert!(snapshot.file("nowhere.php").is_none());
    Ok(())
}

#[test]
fn the_excluded_file_has_no_influence() {
    let mut files: BTreeMap<String, String> = (0..5)
        .map(|n| {
            (
                format!("{n}.php"),
                format!("alpha beta{n}\n\ndelta gamma\n"),
            )
        })
        .collect();
    let with = index(&files).snapshot();
    files.remove("2.php");
    let without = index(&files).snapshot();
    let expected = found(&without, &QUERY, "", 50);
    assert_eq!(expected.len(), 8);
    assert_eq!(found(&with, &QUERY, "2.php", 50), expected);
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let files: Vec<_> = (0..400)
        .map(|n| {
            file(
                &format!("{n}.php"),
                &format!("alpha betaGamma{}\n\n", n % 7).repeat(700),
            )
        })
        .collect();
    let answer = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let snapshot = pool.install(|| Index::build(files.clone())).snapshot();
        assert!(snapshot.segments().len() > 1);
        found(&snapshot, &QUERY, "7.php", 40)
    };
    assert_eq!(answer(1), answer(3));
}

#[test]
fn removed_files_are_freed() {
    let files: Vec<_> = (0..100)
        .map(|n| file(&format!("{n:03}.php"), &"alpha beta\n\n".repeat(50)))
        .collect();
    let one = Arc::downgrade(&files[0]);
    let index = Index::build(files);
    let remove = |range: std::ops::Range<usize>| {
        index.apply(range.map(|n| IndexChange::Remove(format!("{n:03}.php").into())));
    };
    let kept = index.snapshot();
    remove(0..50);
    assert!(index.live("000.php").is_none());
    assert!(kept.file("000.php").is_some());
    drop(kept);
    assert!(one.upgrade().is_none());
    remove(50..100);
    assert!(index.snapshot().segments().is_empty());
}

#[test]
fn odd_queries_are_answered() {
    let files = [("a.php".to_owned(), "alpha\n".to_owned())].into();
    let snapshot = index(&files).snapshot();
    for weight in [0.0, -1.0, f32::NAN] {
        assert!(search(&snapshot, &[("alpha", weight)], "", 5).is_empty());
    }
    assert!(search(&snapshot, &[("alpha", 1.0)], "", 0).is_empty());
    assert!(search(&snapshot, &[("alpha", 1.0)], "a.php", 5).is_empty());
    assert!(search(&snapshot, &[], "", 5).is_empty());
    assert_eq!(
        search(&snapshot, &[("alpha", 1.0)], "", usize::MAX).len(),
        1
    );
    let nothing = Index::default().snapshot();
    assert!(search(&nothing, &[("alpha", 1.0)], "", 5).is_empty());
}

#[test]
fn a_cancelled_search_finds_nothing() {
    let files = [("a.php".to_owned(), "alpha\n".to_owned())].into();
    let cancel = Cancel::default();
    cancel.cancel();
    let found = index(&files).snapshot().search(
        &Query {
            terms: &[("alpha", 1.0)],
            most: 1,
        },
        "",
        5,
        &cancel,
    );
    assert_eq!(found.err(), Some(Cancelled));
}

/// PHP code with facts.
fn code() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("class Alpha extends Beta { function delta(Gamma $x) { return $x->epsilon(); } }\n\n"),
        Just("class Beta { const DELTA = 1; public int $epsilon; }\n"),
        Just("function delta() { return new Alpha(Beta::DELTA); }\n\n"),
        Just("const ALPHA = 5;\n"),
        Just("namespace N;\nuse Other\\Alpha;\n"),
        Just("\n"),
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| format!("<?php\n{}", pieces.concat()))
}

type Files = BTreeMap<String, String>;

fn sources(files: &Files) -> Vec<SourceText> {
    let source = |(path, text): (&String, &String)| SourceText {
        path: path.as_str().into(),
        text: text.as_str().into(),
        lossy: false,
    };
    files.iter().map(source).collect()
}

fn scanned(sources: Vec<SourceText>) -> Vec<Arc<SourceFile>> {
    let scan = |source: SourceText| Arc::new(source.scan());
    sources.into_iter().map(scan).collect()
}

fn parts(snapshot: &Snapshot) -> Vec<Vec<u8>> {
    snapshot.encode().collect::<Result<_, _>>().unwrap()
}

fn decoded(parts: &[Vec<u8>]) -> Result<StoredIndex, super::codec::DamagedIndex> {
    StoredIndex::decode(&parts.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

/// All answers about symbols, in a form that can be compared.
fn symbols(snapshot: &Snapshot) -> Vec<String> {
    let mut answers = Vec::new();
    for name in ["alpha", "beta", "gamma", "delta", "epsilon"] {
        answers.extend(declarations(snapshot, name));
        for class in [
            name.to_owned(),
            format!("N\\{name}"),
            format!("Other\\{name}"),
        ] {
            answers.extend(class_and_uses(snapshot, &class));
        }
        answers.push(uses(snapshot, UseKey::Receiver("x")));
    }
    answers.push(names_used(snapshot));
    answers.push(by_words(snapshot));
    answers
}

fn declarations(snapshot: &Snapshot, name: &str) -> Vec<String> {
    let mut answers = Vec::new();
    for kind in [
        DeclKind::Class,
        DeclKind::Function,
        DeclKind::Constant,
        DeclKind::Member,
    ] {
        for declared in snapshot.declared(kind, name) {
            let (path, name) = (declared.path(), declared.full_name());
            answers.push(format!("{kind:?} {path} {name:?}"));
        }
        for declared in snapshot.declared_with_prefix(kind, &name[..2]) {
            let (path, name) = (declared.path(), declared.short_name());
            answers.push(format!("{kind:?} {path} {name}"));
        }
    }
    answers
}

fn class_and_uses(snapshot: &Snapshot, class: &str) -> Vec<String> {
    let found = snapshot.class(class, "").map(|c| (c.path, c.item));
    let children = snapshot.children(class);
    let children: Vec<_> = children.iter().map(|c| (c.path, c.item)).collect();
    let mut answers = vec![format!("{found:?}"), format!("{children:?}")];
    for kind in [NameKind::Class, NameKind::Method, NameKind::ClassConstant] {
        answers.push(uses(snapshot, UseKey::Name(kind, &kind.fold(class))));
    }
    answers
}

fn uses(snapshot: &Snapshot, key: UseKey<'_>) -> String {
    let mut uses: Vec<_> = snapshot
        .uses(key)
        .map(|u| (&u.file.path, u.value))
        .collect();
    uses.sort();
    assert_eq!(snapshot.users(key), uses.len());
    let values = uses.iter().map(|(_, value)| *value as usize);
    assert_eq!(snapshot.use_count(key), values.sum::<usize>());
    format!("{uses:?}")
}

/// The live classes and functions by each word of their names.
fn by_words(snapshot: &Snapshot) -> String {
    let mut answers = Vec::new();
    for kind in [DeclKind::Class, DeclKind::Function] {
        let numbered = snapshot.numbered(kind);
        assert_eq!(numbered.len(), snapshot.count_declared(kind));
        for word in ["alpha", "beta", "delta", "f", "n"] {
            let mut numbers = Vec::new();
            numbered.with_word(usize::MAX, word, &mut numbers);
            let declared = numbers.iter().map(|&number| numbered.get(number).unwrap());
            let mut declared: Vec<_> = declared
                .map(|found| (found.path(), found.short_name()))
                .collect();
            declared.sort_unstable();
            answers.push(format!("{kind:?} {word} {declared:?}"));
        }
    }
    format!("{answers:?}")
}

fn names_used(snapshot: &Snapshot) -> String {
    let mut used = Vec::new();
    let mut first = 0;
    for live in snapshot.segments() {
        for (number, file) in live.files() {
            let names = snapshot.names_used(first + number);
            let names: Vec<_> = names.map(|used| used.name()).collect();
            used.push((&file.path, names));
        }
        first += live.segment().files().len();
    }
    used.sort();
    format!("{used:?}")
}

proptest! {
    #[test]
    fn a_restored_index_answers_like_a_rebuilt_one(
        start in prop::collection::btree_map(path(), code(), 0..6),
        edits in prop::collection::btree_map(path(), prop::option::weighted(0.7, code()), 0..4),
        since in prop::collection::btree_map(path(), prop::option::weighted(0.7, code()), 0..4),
        exclude in path(),
    ) {
        let change = |files: &mut Files, edits: &BTreeMap<String, Option<String>>| {
            for (path, text) in edits {
                match text {
                    Some(text) => files.insert(path.clone(), text.clone()),
                    None => files.remove(path),
                };
            }
        };
        let mut files = start;
        let before = Index::build(scanned(sources(&files)));
        before.apply(edits.iter().map(|(path, text)| match text {
            Some(text) => IndexChange::Put(scanned(sources(&[(path.clone(), text.clone())].into())).remove(0)),
            None => IndexChange::Remove(path.as_str().into()),
        }));
        change(&mut files, &edits);
        let kept = files.clone();
        let stored = decoded(&parts(&before.snapshot())).unwrap();
        change(&mut files, &since);
        let (restored, unknown) = stored.restore(sources(&files));
        for source in &unknown {
            prop_assert_ne!(kept.get(&*source.path).map(|text| &**text), Some(&*source.text));
        }
        let after = Index::restore(restored, scanned(unknown)).snapshot();
        let rebuilt = Index::build(scanned(sources(&files))).snapshot();
        let listed = |snapshot: &Snapshot| -> Vec<_> {
            let file = |file: &Arc<SourceFile>| (file.path.clone(), file.text.clone(), file.facts.clone());
            snapshot.files().map(file).collect()
        };
        prop_assert_eq!(listed(&after), listed(&rebuilt));
        prop_assert_eq!(after.chunk_count(), rebuilt.chunk_count());
        for limit in [3, 100] {
            prop_assert_eq!(
                found(&after, &QUERY, &exclude, limit),
                found(&rebuilt, &QUERY, &exclude, limit)
            );
        }
        prop_assert_eq!(symbols(&after), symbols(&rebuilt));
    }
}

/// Files with every kind of fact that is stored.
fn sample() -> Files {
    let text = "<?php\nnamespace N;\nuse A\\{B, C as D};\n\n/** Doc */\nabstract class Alpha extends B \
                implements D {\n use T { a as b; }\n const K = 1;\n private ?int $x = null;\n function \
                delta(self $y): string { return $y->x->delta(K, B::L); }\n}\n\nfunction f() { require \
                'g.php'; }\ndefine('M', 2);\n";
    [("a.php", text), ("b/ä.php", "<?php\n\nf(new N\\Alpha);\n")]
        .map(|(path, text)| (path.to_owned(), text.to_owned()))
        .into()
}

#[test]
fn damaged_bytes_never_panic() {
    let good = parts(&Index::build(scanned(sources(&sample()))).snapshot());
    assert!(decoded(&good).is_ok());
    let bytes = &good[0];
    for at in 0..bytes.len() {
        assert!(StoredIndex::decode(&[&bytes[..at]]).is_err());
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            // Without a checksum the result may be anything, but no panic.
            drop(StoredIndex::decode(&[&flipped]));
        }
    }
}

/// Fails when stored bytes change. Then [`FORMAT`] must change too.
#[test]
fn the_format_has_the_number_that_it_had() {
    let stored = parts(&Index::build(scanned(sources(&sample()))).snapshot()).concat();
    let told = format!("{FORMAT} {}", &blake3::hash(&stored).to_hex()[..16]);
    insta::assert_snapshot!(told, @"5 2871079cdb058bc9");
}

#[test]
fn a_state_beside_a_file_changes_with_every_other_file() {
    let put = |path: &str, text: &str| IndexChange::Put(file(path, text));
    let index = Index::build(vec![
        file("a.php", "<?php a();"),
        file("b.php", "<?php b();"),
    ]);
    let state = || index.snapshot().state_beside("a.php");
    let first = state();
    index.apply([put("a.php", "<?php c();")]);
    index.apply([put("a.php", "<?php d();")]);
    assert_eq!(state(), first);
    index.apply([put("b.php", "<?php e();")]);
    let second = state();
    assert_ne!(second, first);
    index.apply([put("a.php", "<?php f();")]);
    assert_eq!(state(), second);
    index.apply([put("a.php", "<?php g();"), put("b.php", "<?php h();")]);
    assert_ne!(state(), second);
    // Files that are laid over it count, too, by their texts.
    let over = |text: &str| {
        let over = index.snapshot().with_overlay([file("b.php", text)]);
        over.state_beside("a.php")
    };
    assert_ne!(over("<?php i();"), state());
    assert_ne!(over("<?php i();"), over("<?php j();"));
    assert_eq!(over("<?php i();"), over("<?php i();"));
    // Another index of the same files is another state.
    let other = Index::build(vec![
        file("a.php", "<?php a();"),
        file("b.php", "<?php b();"),
    ]);
    assert_ne!(other.snapshot().state_beside("a.php"), first);
}
