//! Chooses the holes of an evaluation at random.

use rand::RngExt;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::eval::candidates::ForeignNames;
use crate::eval::hole::NameHole;
use crate::eval::kind::{HoleKind, NameCategory};
use crate::eval::places::{Conventions, conventions};
use crate::index::{Snapshot, SourceFile};

/// The most holes of a kind from one file.
const HOLES_PER_FILE: usize = 6;
/// The number of files that are examined at a time.
const BATCH: usize = 256;

/// Up to `most` holes of `kind`. Each file gives one hole before any file gives a
/// second one. The holes depend only on the project's files, `kind`, `seed` and
/// `most`. Files for which `is_source` is false give no holes.
pub(super) fn sample<'a>(
    snapshot: &'a Snapshot,
    kind: HoleKind,
    seed: u64,
    most: usize,
    is_source: &(impl Fn(&str) -> bool + Sync),
) -> Vec<NameHole<'a>> {
    let mut files: Vec<(blake3::Hash, &SourceFile)> = snapshot
        .files()
        .filter(|file| !file.lossy && is_source(&file.path))
        .map(|file| (draw(seed, &[&file.path]), &**file))
        .collect();
    files.sort_by(|a, b| a.0.as_bytes().cmp(b.0.as_bytes()));

    let conventions = if kind == HoleKind::Literal {
        conventions(snapshot)
    } else {
        Conventions::default()
    };
    let mut picks: Vec<Vec<NameHole<'a>>> = Vec::new();
    let mut with_one = 0;
    for batch in files.chunks(BATCH) {
        let found: Vec<Vec<NameHole<'a>>> = batch
            .par_iter()
            .map(|(_, file)| pick(snapshot, file, kind, seed, &conventions))
            .collect();
        with_one += found.iter().filter(|holes| !holes.is_empty()).count();
        picks.extend(found);
        if with_one >= most {
            break;
        }
    }
    let rounds = (0..HOLES_PER_FILE).flat_map(|round| {
        picks
            .iter()
            .filter_map(move |holes| holes.get(round).cloned())
    });
    rounds.take(most).collect()
}

/// A random number that depends on `seed` and `what`.
pub(super) fn draw(seed: u64, what: &[&str]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes());
    for part in what {
        hasher.update(part.as_bytes());
        hasher.update(&[0]);
    }
    hasher.finalize()
}

/// Some holes of one file in random order. Each hole is drawn from a random
/// category of names, so that rare categories occur.
fn pick<'a>(
    snapshot: &Snapshot,
    file: &'a SourceFile,
    kind: HoleKind,
    seed: u64,
    conventions: &Conventions,
) -> Vec<NameHole<'a>> {
    let foreign = ForeignNames::new(snapshot, file);
    let mut by_category: Vec<(Option<NameCategory>, Vec<NameHole<'a>>)> = Vec::new();
    let holes = match kind {
        HoleKind::Identifier | HoleKind::HalfTyped => foreign.lines(false),
        HoleKind::Member => foreign.lines(true),
        HoleKind::Statement => foreign.statements(false),
        HoleKind::Anywhere => foreign.statements(true),
        HoleKind::Package => foreign.of_packages(),
        HoleKind::Callee => foreign.calls(),
        HoleKind::Body => foreign.bodies(),
        HoleKind::Test => foreign.tests(),
        HoleKind::Literal => foreign.literals(conventions),
        HoleKind::Import => foreign.imports(),
    };
    for hole in holes {
        let first = hole.names.first().map(|name| name.category);
        // Holes of any statement are one group, whatever they name.
        let category = first.filter(|_| kind != HoleKind::Anywhere);
        match by_category.iter_mut().find(|(known, _)| *known == category) {
            Some((_, holes)) => holes.push(hole),
            None => by_category.push((category, vec![hole])),
        }
    }
    by_category.sort_by_key(|(category, _)| *category);
    let what = kind.drawn_as();
    let mut rng = ChaCha8Rng::from_seed(*draw(seed, &[&file.path, what]).as_bytes());
    let mut picked = Vec::new();
    while picked.len() < HOLES_PER_FILE && !by_category.is_empty() {
        let group = rng.random_range(0..by_category.len());
        let holes = &mut by_category[group].1;
        picked.push(holes.swap_remove(rng.random_range(0..holes.len())));
        if holes.is_empty() {
            by_category.remove(group);
        }
    }
    picked
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::tests::snapshot;

    /// The cut text of each hole, and its names.
    fn cut(files: &[(&str, &str)], kind: HoleKind) -> Vec<String> {
        let snapshot = snapshot(files);
        let holes = sample(&snapshot, kind, 1, 100, &|_| true);
        let mut all: Vec<_> = holes
            .iter()
            .map(|hole| {
                let names: Vec<_> = hole.names.iter().map(|name| &*name.ident).collect();
                let cut = &hole.file.text[hole.start..hole.end];
                format!("{}: {cut} = {}", hole.file.path, names.join(" "))
            })
            .collect();
        all.sort();
        all
    }

    const LIBRARY: (&str, &str) = (
        "lib.php",
        "<?php namespace Lib; class Basket { const LIMIT = 3; public $items; function addItem() {} }
        function helper() {} const DEPTH = 2;",
    );

    #[test]
    fn a_name_is_asked_for_if_only_another_file_tells_it() {
        let using = "<?php namespace App;
            use Lib\\Basket;
            function run(Basket $basket) {
                $basket->addItem(1);
                $basket->items; // $basket->items again
                $basket->getName();
                \\Lib\\helper($basket);
                unknown($basket);
                own();
            }
            function own() {}";
        let using = using.replace("\\\\", "\\");
        let files = [LIBRARY, ("use.php", using.as_str())];
        assert_eq!(
            cut(&files, HoleKind::Identifier),
            [
                "use.php: \\Lib\\helper($basket); = helper",
                "use.php: addItem(1); = addItem",
                "use.php: items; // $basket->items again = items",
            ]
        );
        assert_eq!(
            cut(&files, HoleKind::Member),
            [
                "use.php: addItem(1); = addItem",
                "use.php: items; // $basket->items again = items",
            ]
        );
    }

    #[test]
    fn a_statement_takes_all_its_names_away() {
        let using = "<?php
            if ($x) { $y = Lib\\helper(Lib\\Basket::LIMIT)->addItem(
                \\Lib\\DEPTH); }
            $z = function () { $x->items; };";
        let using = using.replace("\\\\", "\\");
        assert_eq!(
            cut(&[LIBRARY, ("use.php", using.as_str())], HoleKind::Statement),
            [
                "use.php: $x->items; = items",
                "use.php: $y = Lib\\helper(Lib\\Basket::LIMIT)->addItem(\n                \\Lib\\DEPTH); = helper Basket LIMIT addItem DEPTH",
            ]
        );
    }

    #[test]
    fn arguments_ask_for_the_signature() {
        let library = "<?php namespace Lib;
            class Basket { function __construct(int $size) {} function addItem(Item $item) {}
                static function of(array $all) {} function clear() {} }
            class Small extends Basket {}
            function helper($x) {}";
        let using = "<?php namespace App; use Lib\\Basket;
            new Basket(3); new \\Lib\\Small(4); $b->addItem($x); Basket::of($y); \\Lib\\helper($z);
            $b->clear(); $b->unknown(1); new Basket();";
        let using = using.replace("\\\\", "\\");
        let files = [("lib.php", library), ("use.php", using.as_str())];
        let names: Vec<_> = cut(&files, HoleKind::Callee)
            .iter()
            .map(|hole| hole.rsplit(" = ").next().unwrap().to_owned())
            .collect();
        assert_eq!(
            names,
            ["addItem", "of", "helper", "__construct", "__construct"].map(String::from)
        );
    }

    #[test]
    fn a_body_asks_for_what_is_new_to_the_file() {
        let using = "<?php class A { private $basket; private $known;
            function run($b) { $this->basket->addItem(1); $b->items; $this->known; }
            function short() { return 1; } }";
        assert_eq!(
            cut(&[LIBRARY, ("use.php", using)], HoleKind::Body),
            ["use.php: $this->basket->addItem(1); $b->items; $this->known; = addItem items"]
        );
    }

    #[test]
    fn a_test_asks_for_members_of_its_class_and_the_constructor() {
        let class =
            "<?php class Basket extends Box { function __construct($a) {} function add() {} }
            class Box { function open() {} } class Other { function add2() {} }";
        let test = "<?php class BasketTest { function testAdd() {
            $b = new Basket(1); $b->add(); $b->open(); $x->add2(); } function help() { $b->add3(); } }";
        assert_eq!(
            cut(
                &[("lib.php", class), ("BasketTest.php", test)],
                HoleKind::Test
            ),
            [
                "BasketTest.php: $b = new Basket(1); $b->add(); $b->open(); $x->add2(); = add open __construct"
            ]
        );
    }

    #[test]
    fn strings_and_imports_of_other_files_are_asked_for() {
        let other = "<?php namespace B; add_action('init', $x); class K {}";
        let using = "<?php\nuse B\\K;\nadd_action('init', 'mine'); f('init2');";
        let using = using.replace("\\\\", "\\");
        let files = [("a.php", other), ("use.php", using.as_str())];
        assert_eq!(cut(&files, HoleKind::Import), ["use.php: K; = K"]);
        let other = [
            ("a.php", other),
            ("use.php", "<?php add_action('init', 'mine');"),
        ];
        assert_eq!(
            cut(&other, HoleKind::Literal),
            [
                "a.php: init', $x); class K {} = init",
                "use.php: init', 'mine'); = init",
            ]
        );
    }

    #[test]
    fn half_typed_leaves_the_first_characters() {
        let using = "<?php $x->addItem(1); new \\Lib\\Basket;";
        let using = using.replace("\\\\", "\\");
        let files = [LIBRARY, ("use.php", using.as_str())];
        let snapshot = snapshot(&files);
        let holes = sample(&snapshot, HoleKind::Identifier, 1, 10, &|_| true);
        let mut typed: Vec<_> = holes
            .iter()
            .filter_map(NameHole::half_typed)
            .map(|hole| hole.file.text[..hole.start].to_owned())
            .collect();
        typed.sort();
        assert!(typed[0].ends_with("->ad"), "{typed:?}");
        assert!(typed[1].ends_with("\\Lib\\Ba"), "{typed:?}");
    }
}
