//! Clusters against brute force, and signatures against fixed values.

use proptest::prelude::*;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::dataset::duplicates::tests::php;

fn cluster(files: &[(String, String)]) -> Clusters {
    let files: Vec<_> = files.iter().map(|(k, t)| (&**k, &**t)).collect();
    clusters(&files, &Cancel::default()).unwrap()
}

/// The keys of each cluster of two or more.
fn keys(files: &[(String, String)], clusters: &Clusters) -> Vec<(String, Vec<String>)> {
    let mut all: Vec<_> = clusters
        .duplicated()
        .into_iter()
        .map(|(representative, members)| {
            let mut members: Vec<_> = members.into_iter().map(|m| files[m].0.clone()).collect();
            members.sort();
            (files[representative].0.clone(), members)
        })
        .collect();
    all.sort();
    all
}

/// Files in families: members of one differ in a few statements.
fn families(seed: u64) -> Vec<(String, String)> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut files = Vec::new();
    for family in 0..8_u32 {
        let base: Vec<u32> = (0..60).map(|n| family * 1000 + n).collect();
        for member in 0..6 {
            let mut statements = base.clone();
            for _ in 0..rng.random_range(0..12) {
                let at = rng.random_range(0..statements.len());
                statements[at] = rng.random_range(100_000..200_000);
            }
            files.push((format!("f{family}m{member}"), php(statements)));
        }
    }
    files
}

#[test]
fn clusters_are_those_of_all_pairs_compared() {
    for seed in 0..6 {
        let files = families(seed);
        let shingled: Vec<_> = files
            .iter()
            .map(|f| shingles(&token_hashes(&f.1)))
            .collect();
        let mut sets = DisjointSets::new(files.len());
        for a in 0..files.len() {
            for b in a + 1..files.len() {
                if jaccard(&shingled[a], &shingled[b]) >= THRESHOLD {
                    sets.join(a, b);
                }
            }
        }
        let pairs: Vec<_> = files.iter().map(|(k, t)| (&**k, &**t)).collect();
        let expected = Clusters::new(&pairs, sets.roots());
        assert!(!expected.duplicated().is_empty());
        assert_eq!(cluster(&files), expected, "seed {seed}");
    }
}

#[test]
fn neither_order_nor_threads_change_the_clusters() {
    let mut files = families(7);
    let expected = keys(&files, &cluster(&files));
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for threads in [1, 2, 8] {
        files.shuffle(&mut rng);
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let found = pool.install(|| keys(&files, &cluster(&files)));
        assert_eq!(found, expected, "{threads} threads");
    }
}

#[test]
fn comments_and_white_space_are_no_difference_and_small_files_are_compared_exactly() {
    let file = |key: &str, text: &str| (key.to_owned(), text.to_owned());
    let files = [
        file("c", "<?php\nreturn  1; // one"),
        file("b", "<?php /** Doc. */ return 1;"),
        file("d", "<?php return 2;"),
        file("a", "<?php return 3;"),
        file("e", ""),
        file("f", ""),
    ];
    let clusters = cluster(&files);
    let found: Vec<_> = (0..6)
        .map(|i| clusters.representative(i).unwrap())
        .collect();
    assert_eq!(found, [1, 1, 2, 3, 4, 4]);
    assert_eq!(clusters.duplicated(), [(1, vec![0, 1]), (4, vec![4, 5])]);
    assert_eq!(clusters.representative(6), None);
}

#[test]
fn a_cancelled_run_has_no_clusters() {
    let cancel = Cancel::default();
    cancel.cancel();
    assert_eq!(
        clusters(&[("a", "<?php"), ("b", "x")], &cancel),
        Err(Cancelled)
    );
}

#[test]
fn signatures_are_the_same_in_every_version() {
    let tokens = token_hashes("<?php echo $a + 1;");
    let signature = Signature::of(&shingles(&tokens));
    let bands = signature.bands();
    assert_eq!(
        (tokens.len(), tokens[1], bands[0], bands[19]),
        (
            6,
            10_473_306_011_986_378_567,
            3_037_937_180_411_771_362,
            15_454_749_847_936_781_531
        )
    );
}

#[test]
fn the_bands_let_few_true_pairs_slip() {
    // No pair of 2,000 with a similarity of 0.9 may be lost.
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let mut lost = 0;
    for _ in 0..2000 {
        let shared: Vec<u64> = (0..90).map(|_| rng.random()).collect();
        let with = |rng: &mut ChaCha8Rng| {
            let own: Vec<u64> = (0..5).map(|_| rng.random()).collect();
            Signature::of(&[&*shared, &*own].concat())
        };
        let (a, b) = (with(&mut rng), with(&mut rng));
        let met = a.bands().iter().zip(b.bands()).any(|(x, y)| *x == y);
        lost += usize::from(!met || a.agreement(&b) < MIN_ESTIMATE);
    }
    assert_eq!(lost, 0);
}

proptest! {
    #[test]
    fn similarity_is_that_of_sets(a in prop::collection::vec(0..40_u64, 0..30), b in prop::collection::vec(0..40_u64, 0..30)) {
        let set = |items: &[u64]| items.iter().copied().collect::<std::collections::BTreeSet<_>>();
        let (a, b) = (set(&a), set(&b));
        let all = a.union(&b).count();
        let expected = if all == 0 { 1.0 } else { a.intersection(&b).count() as f64 / all as f64 };
        let sorted = |set: &std::collections::BTreeSet<u64>| set.iter().copied().collect::<Vec<_>>();
        prop_assert_eq!(jaccard(&sorted(&a), &sorted(&b)), expected);
    }
}
