//! Reads facts, that is declarations and references, from PHP text: from
//! generated text, and from the project that `FIMD_CORPUS` names.

use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use fimd::files::{self, Roots, WalkOptions};
use fimd::php;

/// Files that use PHP's constructs in the proportions of real code.
fn made_up(files: usize) -> Vec<String> {
    let method = |n: usize| {
        format!(
            "    /**\n     * Finds what number {n} stands for.\n     * @return list<Item{n}>\n     */\n    \
             public function find{n}(?Filter $filter, int|string $limit = self::LIMIT): array\n    {{\n        \
             if ($filter instanceof Range && $limit > MAX_ITEMS) {{\n            \
             $query = $this->queries->select('items', \"id = {{$limit}}\", [A::KEY => Flag::On]);\n            \
             return array_map(fn (Row $row): Item{n} => new Item{n}($row->id, $row), $query->all());\n        \
             }}\n\n        return parent::find{n}($filter, $limit) ?: []; // nothing else\n    }}\n\n"
        )
    };
    let file = |n: usize| {
        let methods: String = (n..n + 20).map(method).collect();
        format!(
            "<?php\n\nnamespace App\\Part{n};\n\nuse Lib\\{{Filter, Range as Span}};\nuse function Lib\\help;\n\n\
             final class Finder{n} extends Base implements Finds\n{{\n    use Logs;\n\n    \
             const LIMIT = 20;\n\n    private readonly Queries $queries;\n\n{methods}}}\n"
        )
    };
    (0..files).map(file).collect()
}

fn corpus(folder: &str) -> Vec<String> {
    let roots = Roots::new(Path::new(folder), &[]).expect("FIMD_CORPUS names a folder");
    let walk = files::walk(&roots, &WalkOptions::default()).expect("the corpus can be walked");
    let read = |found| files::read(found, u64::MAX - 1).expect("a found file can be read");
    walk.files
        .iter()
        .map(|found| String::from(read(found).text))
        .collect()
}

fn measure(criterion: &mut Criterion, name: &str, texts: &[String]) {
    let bytes: usize = texts.iter().map(String::len).sum();
    let mut group = criterion.benchmark_group(name);
    group.sample_size(10);
    group.throughput(Throughput::Bytes(bytes as u64));
    group.bench_function("tokens", |b| {
        b.iter(|| {
            texts
                .iter()
                .map(|text| php::lex::lex(text).len())
                .sum::<usize>()
        });
    });
    group.bench_function("facts", |b| {
        b.iter(|| {
            for text in texts {
                black_box(php::facts(text));
            }
        });
    });
    group.finish();
}

fn all(criterion: &mut Criterion) {
    measure(criterion, "made up", &made_up(300));
    if let Ok(folder) = std::env::var("FIMD_CORPUS") {
        measure(criterion, "corpus", &corpus(&folder));
    }
}

criterion_group!(benches, all);
criterion_main!(benches);
