//! The index: building it, querying it, and changing one of its files. Runs on
//! generated PHP-like text, and on the project that `FIMD_CORPUS` names.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use fimd::cancel::Cancel;
use fimd::files::{self, Roots, WalkOptions};
use fimd::index::{Index, IndexChange, Query, SourceFile, terms};
use fimd::php::FileFacts;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The number of terms in an editor's query.
const QUERY_TERMS: usize = 60;

fn source(path: &str, text: String) -> Arc<SourceFile> {
    let facts = FileFacts::default();
    Arc::new(SourceFile::new(path.into(), text.into(), false, facts))
}

/// Files whose names are as skewed as those of real code: few are common, many
/// are rare.
fn made_up(files: usize) -> Vec<Arc<SourceFile>> {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut name = move || {
        let rank = random.random::<f64>().powi(4) * 20_000.0;
        let rank = rank as usize;
        format!("load{}Item{}", rank % 97, rank)
    };
    let mut file = |n: usize| {
        let mut text = format!("<?php\nnamespace App\\Part{};\n\nclass C{n}\n{{\n", n % 50);
        for _ in 0..30 {
            let (f, a, b, c) = (name(), name(), name(), name());
            text += &format!(
                "    public function {f}(array ${a}): ?string\n    {{\n        \
                 if ($this->{b}->{c}(${a}) === null) {{\n            return null;\n        }}\n\n        \
                 return self::{b}(${a}, '{c}');\n    }}\n\n"
            );
        }
        source(&format!("src/{}/C{n}.php", n % 50), text + "}\n")
    };
    (0..files).map(&mut file).collect()
}

fn corpus(folder: &str) -> Vec<Arc<SourceFile>> {
    let roots = Roots::new(Path::new(folder), &[]).expect("FIMD_CORPUS names a folder");
    let walk = files::walk(&roots, &WalkOptions::default()).expect("the corpus can be walked");
    let read =
        |found| Arc::new(files::read(found, u64::MAX - 1).expect("a found file can be read"));
    walk.files.iter().map(read).collect()
}

/// The last distinct terms before the middle of a file.
fn query(file: &SourceFile) -> Vec<String> {
    let middle = file.text.floor_char_boundary(file.text.len() / 2);
    let mut all = Vec::new();
    terms::terms(&file.text[..middle], |term| all.push(term.to_owned()));
    all.reverse();
    let mut seen = std::collections::HashSet::new();
    all.retain(|term| seen.insert(term.clone()));
    all.truncate(QUERY_TERMS);
    all
}

fn measure(criterion: &mut Criterion, name: &str, files: &[Arc<SourceFile>]) {
    let bytes: usize = files.iter().map(|file| file.text.len()).sum();
    let mut group = criterion.benchmark_group(name);
    group.sample_size(10);
    group.throughput(Throughput::Bytes(bytes as u64));
    group.bench_function("build", |b| {
        b.iter_batched(|| files.to_vec(), Index::build, BatchSize::PerIteration);
    });
    group.finish();

    let index = Index::build(files.to_vec());
    let snapshot = index.snapshot();
    let memory: usize = snapshot
        .segments()
        .iter()
        .map(|live| live.segment().memory())
        .sum();
    eprintln!(
        "{name}: {} files, {bytes} bytes, {} chunks, {memory} bytes of index",
        files.len(),
        snapshot.chunk_count(),
    );
    let queries: Vec<_> = files
        .iter()
        .step_by(files.len().div_ceil(64))
        .map(|f| (f, query(f)))
        .collect();
    let mut group = criterion.benchmark_group(name);
    let cancel = Cancel::default();
    let mut next = (0..queries.len()).cycle();
    group.bench_function("query", |b| {
        b.iter(|| {
            let (file, terms) = &queries[next.next().expect("there are files")];
            let terms: Vec<_> = terms.iter().map(|term| (term.as_str(), 1.0)).collect();
            let query = Query {
                terms: &terms,
                most: QUERY_TERMS,
            };
            black_box(snapshot.search(&query, &file.path, 20, &cancel))
        });
    });
    let mut next = (0..files.len()).cycle().step_by(7);
    group.bench_function("replace one file", |b| {
        b.iter(|| {
            let old = &files[next.next().expect("there are files")];
            index.apply([IndexChange::Put(source(
                &old.path,
                format!("{}\n$edited = 1;\n", old.text),
            ))]);
        });
    });
    group.finish();
}

fn all(criterion: &mut Criterion) {
    measure(criterion, "made up", &made_up(1500));
    if let Ok(folder) = std::env::var("FIMD_CORPUS") {
        measure(criterion, "corpus", &corpus(&folder));
    }
}

criterion_group!(benches, all);
criterion_main!(benches);
