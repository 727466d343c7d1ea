//! FIMpad tags: parsing text without and with tags, following an edit, and
//! watching a stream for patterns. The targets on one core are 200 MB/s without
//! tags, 20 MB/s with many tags, and less than 1 µs per streamed character.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use fimd::tags::stop::Matcher;
use fimd::tags::{Stop, Tags};

const PROSE: &str = "The quick brown fox [sic] jumps over the lazy dog, said \u{201c}nobody\u{201d} (twice). \
                     $matrix[0][1] = [[1, 2], [3, 4]];\n";
const DENSE: &str = "[[[prefix]]]a[[[(a remark)]]]b[[[100;stop(\"User: \", \"END\");append(\"x\\n\")]]]c\
                     [[[{font:\"Ubuntu\"; fontSize:\"24\"}]]]d[[[5;no(1)]]] [[[SUFFIX]]]\n";

const BYTES: usize = 4 << 20;

fn repeated(text: &str) -> String {
    text.repeat(BYTES / text.len())
}

fn parse(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("parse");
    group.sample_size(10);
    for (name, text) in [("no tags", repeated(PROSE)), ("many tags", repeated(DENSE))] {
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(name, |b| b.iter(|| Tags::parse(black_box(&text))));
    }
    group.finish();
    let before = repeated(DENSE);
    let tags = Tags::parse(&before);
    let mut after = before.clone();
    let at = before.len() / 2;
    after.insert(at, 'x');
    criterion.bench_function("one character typed among many tags", |b| {
        b.iter_batched_ref(
            || tags.clone(),
            |tags| tags.edit(&after, at..at, 1),
            BatchSize::LargeInput,
        );
    });
}

fn stop(criterion: &mut Criterion) {
    let stop = |n: usize| Stop {
        pattern: format!("{}END{n}", &"User: Assistant: "[n..]),
        keep: n.is_multiple_of(2),
    };
    let matcher = Matcher::new((0..16).map(stop).collect()).expect("few patterns fit");
    // The text is full of beginnings of patterns, but holds no whole one.
    let output = "User: Assistant: EN Assis User: tant: é".repeat(1000);
    let pieces: Vec<_> = output.split_inclusive(' ').collect();
    let mut group = criterion.benchmark_group("stop");
    group.throughput(Throughput::Elements(output.chars().count() as u64));
    group.bench_function("16 patterns", |b| {
        b.iter(|| {
            let mut matcher = matcher.clone();
            let mut shown = String::new();
            for piece in &pieces {
                matcher.push(piece.as_bytes(), &mut shown);
            }
            matcher.finish(&mut shown);
            assert_eq!(shown.len(), output.len());
        });
    });
    group.finish();
}

criterion_group!(benches, parse, stop);
criterion_main!(benches);
