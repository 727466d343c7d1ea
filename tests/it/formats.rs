//! Every format and any shard size give the same examples, byte for byte the
//! same from run to run, and an error names a damaged file.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use fimd::dataset::Example;
use fimd::dataset::split::Split;
use fimd::dataset::stored::{ReadError, StoredDataset};
use fimd::dataset::write::read::Dataset;

const FORMATS: [&str; 3] = ["jsonl", "jsonl.zst", "parquet"];

fn run(output: &Path, more: &[&str], threads: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fimd"))
        .env("XDG_CONFIG_HOME", env!("CARGO_TARGET_TMPDIR"))
        .env("RAYON_NUM_THREADS", threads)
        .arg("generate")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/shop"))
        .arg("--output")
        .arg(output)
        .args(more)
        .output()
        .unwrap()
}

fn generate(output: &Path, more: &[&str], threads: &str) {
    let run = run(output, more, threads);
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{said}");
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn read(folder: &Path) -> [Vec<Result<Example, ReadError>>; 2] {
    let dataset = Dataset::open(folder).unwrap();
    [Split::Train, Split::Validation].map(|part| dataset.examples(part).unwrap().collect())
}

fn examples(folder: &Path) -> [Vec<Example>; 2] {
    read(folder).map(|part| part.into_iter().map(Result::unwrap).collect())
}

#[test]
fn every_format_and_any_shards_hold_the_same_examples() {
    let temp = tempfile::tempdir().unwrap();
    let plain = temp.path().join("plain");
    generate(&plain, &[], "2");
    let expected = examples(&plain);
    assert!(expected.iter().all(|part| !part.is_empty()));
    // All formats use one folder: files that an older dataset leaves behind
    // would be read as well.
    let output = temp.path().join("data");
    for format in FORMATS {
        generate(&output, &["--format", format], "2");
        assert!(examples(&output) == expected, "{format}");
        let whole = ["train", "val"].map(|part| format!("{part}.{format}"));
        assert!(names(&output).ends_with(&whole), "{:?}", names(&output));
        generate(&output, &["--format", format, "--shard-size", "30kB"], "2");
        assert!(examples(&output) == expected, "{format} in shards");
        let shards = names(&output);
        let shards = shards.iter().filter(|name| name.starts_with("train-"));
        assert!(shards.count() > 1, "{:?}", names(&output));
    }
}

#[test]
fn no_shard_is_larger_than_asked_for() {
    let temp = tempfile::tempdir().unwrap();
    generate(temp.path(), &["--shard-size", "30kB"], "2");
    let sizes: Vec<_> = names(temp.path())
        .iter()
        .filter(|name| name.starts_with("train-"))
        .map(|name| fs::metadata(temp.path().join(name)).unwrap().len())
        .collect();
    // A full shard could not hold one more example of at most 8192 characters,
    // which a record holds twice.
    let (_, full) = sizes.split_last().unwrap();
    assert!(sizes.iter().all(|size| *size <= 30_000), "{sizes:?}");
    assert!(full.iter().all(|size| *size > 5_000), "{sizes:?}");
}

#[test]
fn the_bytes_are_the_same_whatever_the_threads() {
    let temp = tempfile::tempdir().unwrap();
    for format in FORMATS {
        let [one, two, eight] = ["1", "2", "8"].map(|threads| {
            let output = temp.path().join(format!("{format}-{threads}"));
            generate(
                &output,
                &["--format", format, "--shard-size", "30kB"],
                threads,
            );
            let bytes = |name: &String| fs::read(output.join(name)).unwrap();
            (
                names(&output),
                names(&output).iter().map(bytes).collect::<Vec<_>>(),
            )
        });
        assert!(one == two && one == eight, "{format}");
    }
}

#[test]
fn a_missing_shard_and_one_too_many_are_named() {
    let temp = tempfile::tempdir().unwrap();
    generate(temp.path(), &["--shard-size", "30kB"], "2");
    let second = names(temp.path())
        .into_iter()
        .find(|name| name.starts_with("train-00001-of-"))
        .unwrap();
    let moved = temp.path().join("train.parquet");
    fs::rename(temp.path().join(&second), &moved).unwrap();
    let error = |temp: &Path| {
        let dataset = Dataset::open(temp).unwrap();
        dataset.examples(Split::Train).err().unwrap().to_string()
    };
    let extra = error(temp.path());
    assert!(
        extra.contains("train.parquet") || extra.contains(&second),
        "{extra}"
    );
    fs::remove_file(moved).unwrap();
    let missing = error(temp.path());
    assert!(
        missing.contains(&second) && missing.contains("is missing"),
        "{missing}"
    );
}

#[test]
fn a_damaged_file_is_an_error_with_its_place_and_the_reading_ends() {
    let temp = tempfile::tempdir().unwrap();
    for format in FORMATS {
        generate(temp.path(), &["--format", format], "2");
        let file = temp.path().join(format!("train.{format}"));
        let whole = read(temp.path())[0].len();
        let bytes = fs::read(&file).unwrap();
        fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
        let [train, _] = read(temp.path());
        let (last, before) = train.split_last().unwrap();
        assert!(before.iter().all(Result::is_ok), "{format}");
        assert!(train.len() < whole, "{format}");
        let error = last.as_ref().unwrap_err().to_string();
        assert!(error.starts_with(file.to_str().unwrap()), "{error}");
        assert!(!error.contains('\n'), "{error}");
    }
}

#[test]
fn sizes_that_make_no_sense_are_refused() {
    let temp = tempfile::tempdir().unwrap();
    for (size, says) in [
        (
            "9kB",
            "--shard-size: expected at least 10000 bytes, found 9000",
        ),
        ("many", "--shard-size"),
    ] {
        let run = run(&temp.path().join("data"), &["--shard-size", size], "2");
        assert_eq!(run.status.code(), Some(2));
        let said = String::from_utf8(run.stderr).unwrap();
        assert!(said.contains(says), "{said}");
    }
    assert!(names(temp.path()).is_empty());
}
