//! Which examples validate, and which are left out.

use proptest::prelude::*;
use rand::SeedableRng;

use super::*;
use crate::dataset::options::SplitUnit;

fn entries(sizes: &[usize]) -> Vec<SplitEntry> {
    let of_file = |(file, size): (usize, &usize)| {
        (0..*size).map(move |n| SplitEntry {
            file,
            cluster: file,
            complexity: (n * 7 % 13) as f64,
        })
    };
    sizes.iter().enumerate().flat_map(of_file).collect()
}

fn run(entries: &[SplitEntry], options: &Options) -> SplitAssignment {
    split(entries, options, &mut ChaCha8Rng::seed_from_u64(1))
}

/// The split of examples whose middles nothing shows.
fn split(entries: &[SplitEntry], options: &Options, rng: &mut ChaCha8Rng) -> SplitAssignment {
    match options.split_by {
        SplitUnit::Example => by_example(entries, options, rng),
        SplitUnit::File => {
            draw(entries, options, rng).settle(entries, &ShowingExamples::default(), options)
        }
    }
}

proptest! {
    #[test]
    fn no_file_is_in_both_parts_and_the_ratio_is_hit_within_one_file(
        sizes in prop::collection::vec(1_usize..60, 10..80),
        percent in 5_u32..50,
    ) {
        // The predecessor split by example: 97 % of its validation stood in training.
        let entries = entries(&sizes);
        let ratio = f64::from(percent) / 100.0;
        let parts = run(&entries, &Options { val_split: ratio, ..Options::default() });
        prop_assert_eq!(parts.train.len() + parts.validation.len(), entries.len());
        let mut in_val = vec![false; sizes.len()];
        for at in &parts.validation {
            in_val[entries[*at].file] = true;
        }
        prop_assert!(parts.train.iter().all(|at| !in_val[entries[*at].file]));
        let examples = parts.validation.len() as f64;
        let largest = sizes.iter().max().copied().unwrap_or(0) as f64;
        prop_assert!((examples - ratio * entries.len() as f64).abs() <= largest);
    }
}

proptest! {
    #[test]
    fn what_validates_is_shown_by_nothing_that_trains_and_the_ratio_is_reached(
        sizes in prop::collection::vec(5_usize..30, 40..80),
        seed: u64,
        rate in 0_u32..50,
    ) {
        let entries = entries(&sizes);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let options = Options::default();
        let draw = draw(&entries, &options, &mut rng);
        let mut showing = ShowingExamples::default();
        for at in draw.pool(&entries) {
            if rng.random_ratio(rate, 100) {
                let few: Vec<_> = (0..rng.random_range(1..=MOST_SHOWING))
                    .map(|_| rng.random_range(0..entries.len()))
                    .filter(|other| entries[*other].cluster != entries[at].cluster)
                    .collect();
                showing.insert(at, rng.random_bool(0.5).then_some(few));
            }
        }
        let parts = draw.settle(&entries, &showing, &options);
        let SplitAssignment { train, validation, leaked, showing: left_out, .. } = &parts;
        let all = train.len() + validation.len() + leaked.len() + left_out.len();
        prop_assert_eq!(all, entries.len());
        let shown = |at: &usize| showing.get(at).cloned().unwrap_or_else(|| Some(Vec::new()));
        for at in validation {
            let by = shown(at).unwrap();
            prop_assert!(by.iter().all(|other| !train.contains(other)));
        }
        prop_assert!(leaked.iter().all(|at| shown(at).is_none()));
        for at in left_out {
            prop_assert!(validation.iter().any(|val| shown(val).unwrap().contains(at)));
        }
        let of = (train.len() + validation.len()) as f64;
        let off = (validation.len() as f64 - 0.1 * of).abs();
        prop_assert!(off <= 30.0, "{} of {}", off, of);
    }
}

#[test]
fn the_curriculum_cuts_training_only() {
    let entries = entries(&[20; 10]);
    let plain = run(&entries, &Options::default());
    let options = Options {
        curriculum: true,
        curriculum_top_pct: 25,
        ..Options::default()
    };
    let sorted = run(&entries, &options);
    assert_eq!(sorted.validation, plain.validation);
    assert_eq!(sorted.train.len(), 45);
    let scores: Vec<_> = sorted
        .train
        .iter()
        .map(|at| entries[*at].complexity)
        .collect();
    assert!(scores.is_sorted_by(|a, b| a >= b));
}

#[test]
fn near_duplicates_are_in_one_part() {
    let mut entries = entries(&[10; 40]);
    for entry in &mut entries {
        entry.cluster = entry.file % 20;
    }
    let parts = run(&entries, &Options::default());
    let clusters = |part: &[usize]| -> Vec<usize> {
        let mut clusters: Vec<_> = part.iter().map(|at| entries[*at].cluster).collect();
        clusters.sort_unstable();
        clusters.dedup();
        clusters
    };
    let (train, val) = (clusters(&parts.train), clusters(&parts.validation));
    assert_eq!(val.len(), 2);
    assert!(val.iter().all(|cluster| !train.contains(cluster)));
}

#[test]
fn validation_is_as_complex_as_the_whole_whatever_the_curriculum_cuts() {
    // Complexity grows with the square of the file number: most files are easy,
    // a few very hard.
    let sizes: Vec<_> = (0..200).map(|file| 5 + file * 31 % 17).collect();
    let mut entries = entries(&sizes);
    for entry in &mut entries {
        let hardness = entry.file as f64;
        entry.complexity += hardness * hardness / 100.0;
    }
    let all: Vec<_> = (0..entries.len()).collect();
    let quantiles = |part: &[usize]| {
        let mut scores: Vec<_> = part.iter().map(|at| entries[*at].complexity).collect();
        scores.sort_by(f64::total_cmp);
        [1, 3, 5, 7, 9].map(|tenth| scores[scores.len() * tenth / 10])
    };
    let whole = quantiles(&all);
    let off = |part: &[usize]| {
        let pairs = quantiles(part).into_iter().zip(whole);
        pairs.map(|(part, whole)| (part - whole).abs()).sum::<f64>()
    };
    let options = Options {
        curriculum: true,
        curriculum_top_pct: 10,
        ..Options::default()
    };
    let (mut layered, mut random) = (0.0, 0.0);
    for seed in 0..20 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let parts = split(&entries, &options, &mut rng);
        let hardest = |part: &[usize]| quantiles(part)[4];
        assert!(hardest(&parts.train) > hardest(&all));
        layered += off(&parts.validation);
        let mut files: Vec<_> = (0..sizes.len()).collect();
        files.shuffle(&mut rng);
        let drawn = &files[..20];
        let is_drawn = |at: &usize| drawn.contains(&entries[*at].file);
        random += off(&all.iter().copied().filter(is_drawn).collect::<Vec<_>>());
    }
    assert!(1.5 * layered < random, "{layered} {random}");
}

#[test]
fn a_text_validates_by_the_seed_alone_and_as_many_do_as_are_asked_for() {
    let drawn = |seed, val_split| -> Vec<bool> {
        let options = Options {
            seed,
            val_split,
            ..Options::default()
        };
        let texts = (0_u32..4000).map(|n| blake3::hash(&n.to_le_bytes()));
        texts.map(|text| validates(&text, &options)).collect()
    };
    let count = |drawn: &[bool]| drawn.iter().filter(|is| **is).count();
    assert!((350..450).contains(&count(&drawn(1, 0.1))));
    assert_eq!(count(&drawn(1, 0.0)), 0);
    assert_eq!(drawn(1, 0.1), drawn(1, 0.1));
    assert_ne!(drawn(1, 0.1), drawn(2, 0.1));
    // A larger share takes the texts of a smaller one, and others.
    let (few, many) = (drawn(1, 0.1), drawn(1, 0.3));
    assert!(few.iter().zip(&many).all(|(few, many)| *many || !few));
}

#[test]
fn a_split_by_example_has_its_exact_size_and_one_file_is_never_torn() {
    let entries = entries(&[30]);
    let options = Options {
        split_by: SplitUnit::Example,
        ..Options::default()
    };
    assert_eq!(run(&entries, &options).validation.len(), 3);
    assert_eq!(run(&entries, &Options::default()).validation.len(), 0);
}
