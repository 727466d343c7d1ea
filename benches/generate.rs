//! Plain generation, without contexts, compared with its lower bound:
//! tree-sitter's parse of the same files. Runs on the project that `FIMD_CORPUS`
//! names.
//!
//! The figures are wall time. `tree-sitter` and `plain/1` use one thread;
//! `plain/all` uses all processors.

use std::collections::BTreeSet;
use std::hint::black_box;
use std::path::Path;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use fimd::cancel::Cancel;
use fimd::dataset::split::Split;
use fimd::dataset::stored::StoredDataset;
use fimd::dataset::write::StagingFolder;
use fimd::dataset::write::read::Dataset;
use fimd::dataset::{Dedup, Options, SecretPolicy};
use fimd::engine::{DatasetSources, generate};
use fimd::files::WalkOptions;
use fimd::model::Families;
use tikv_jemallocator::Jemalloc;

/// The allocator of the program.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

/// Writes the dataset of `project` to `output`.
fn plain(project: &Path, output: &Path, options: &Options) {
    let walk = WalkOptions::default();
    let sources = DatasetSources::new(&[project.to_owned()], &[], options, walk, None)
        .expect("FIMD_CORPUS names a folder");
    let stage = StagingFolder::new(output, false).expect("the output can be written");
    let (families, cancel) = (Families::default(), Cancel::default());
    generate(sources, options, &families, stage, &cancel, &mut |_| {})
        .expect("the project gives a dataset");
}

/// The texts of the files from which the dataset in `output` has examples.
fn texts(project: &Path, output: &Path) -> Vec<String> {
    let dataset = Dataset::open(output).expect("there is a dataset");
    let examples = [Split::Train, Split::Validation].map(|split| dataset.examples(split));
    let examples = examples
        .into_iter()
        .flat_map(|part| part.expect("it has both parts"));
    let files: BTreeSet<_> = examples
        .map(|example| example.expect("it can be read").filepath)
        .collect();
    let read = |file: &String| std::fs::read_to_string(project.join(file));
    let texts = files.iter().map(|file| read(file).expect("it is there"));
    texts.collect()
}

fn parse(texts: &[String]) {
    let mut parser = tree_sitter::Parser::new();
    parser
        .set_language(&tree_sitter_php::LANGUAGE_PHP.into())
        .expect("the grammar fits");
    for text in texts {
        black_box(parser.parse(text, None));
    }
}

fn all(criterion: &mut Criterion) {
    let Some(project) = std::env::var_os("FIMD_CORPUS") else {
        eprintln!("FIMD_CORPUS names no project: nothing to generate from");
        return;
    };
    let project = Path::new(&project);
    let temp = tempfile::tempdir().expect("there is room for a dataset");
    let output = temp.path().join("data");
    let off = Options {
        dedup: Dedup::Off,
        secrets: SecretPolicy::Keep,
        ..Options::default()
    };
    plain(project, &output, &off);
    let texts = texts(project, &output);
    let bytes: usize = texts.iter().map(String::len).sum();
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let one = one.expect("a thread can be made");
    let mut group = criterion.benchmark_group("generate");
    group.sample_size(10);
    group.throughput(Throughput::Bytes(bytes as u64));
    group.bench_function("tree-sitter", |b| b.iter(|| parse(&texts)));
    // The removal of the previous dataset is not measured.
    let remove = || std::fs::remove_dir_all(&output).expect("it can be removed");
    for (name, options) in [("plain", &off), ("plain, clean", &Options::default())] {
        let generate = || plain(project, &output, options);
        group.bench_function(BenchmarkId::new(name, 1), |b| {
            b.iter_batched(remove, |()| one.install(generate), BatchSize::PerIteration);
        });
        // Like the program: one thread per processor.
        group.bench_function(BenchmarkId::new(name, "all"), |b| {
            b.iter_batched(
                remove,
                |()| rayon::scope(|_| generate()),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, all);
criterion_main!(benches);
