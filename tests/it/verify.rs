//! `fimd verify` on correct datasets, and on datasets with one planted fault of
//! each sort, which the right claim must find.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};

fn fimd(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fimd"))
        .args(args)
        .args(["--no-cache"])
        .env("RUST_LOG", "error")
        .output()
        .unwrap()
}

/// A project whose files have little in common but call each other, and a
/// dataset of it.
pub(crate) struct Fixture {
    folder: tempfile::TempDir,
}

impl Fixture {
    pub(crate) fn new(options: &[&str]) -> Self {
        Self::with("", options)
    }

    /// A project and dataset with `more` at the end of each file.
    pub(crate) fn with(more: &str, options: &[&str]) -> Self {
        Self::sized(1, more, options)
    }

    /// A project and dataset with so many classes for each of twelve things, at most
    /// four, and `more` at the end of each file.
    pub(crate) fn sized(classes: usize, more: &str, options: &[&str]) -> Self {
        const THINGS: [&str; 12] = [
            "Invoice", "Basket", "Parcel", "Voucher", "Ledger", "Courier", "Pallet", "Receipt",
            "Coupon", "Tariff", "Depot", "Refund",
        ];
        const VERBS: [&str; 5] = ["weigh", "settle", "reserve", "dispatch", "audit"];
        let folder = tempfile::tempdir().unwrap();
        let src = folder.path().join("project/src");
        fs::create_dir_all(&src).unwrap();
        let suffixes = ["", "Archive", "Import", "Draft"];
        let things = suffixes[..classes].iter();
        let things = things.flat_map(|suffix| THINGS.map(|thing| format!("{thing}{suffix}")));
        let things: Vec<_> = things.collect();
        for (n, thing) in things.iter().enumerate() {
            let other = &things[(n + 5) % things.len()];
            let lower = thing.to_lowercase();
            let methods: String = VERBS
                .iter()
                .map(|verb| {
                    format!(
                        "    /** {verb}s the {lower} of the {other}. */\n    public function {verb}{thing}({other} $near{other}, int ${lower}Limit): int\n    {{\n        if (${lower}Limit > $this->{verb}{thing}Count) {{\n            return $near{other}->{verb}{other}($this, ${lower}Limit - {n});\n        }}\n        ${verb}{thing}Sum = array_sum($this->{lower}{verb}Parts) * {n};\n        return ${verb}{thing}Sum + strlen('{verb} {lower}');\n    }}\n\n"
                    )
                })
                .collect();
            let text = format!("<?php\n\nnamespace App;\n\nclass {thing}\n{{\n{methods}}}\n{more}");
            fs::write(src.join(format!("{thing}.php")), text).unwrap();
        }
        let fixture = Self { folder };
        let (project, output) = (fixture.project(), fixture.output());
        let mut args = vec!["generate", project.to_str().unwrap(), "--output"];
        args.push(output.to_str().unwrap());
        // With chunks of other files in its contexts, training would show all of
        // the validation split.
        args.push("--cross-file-context");
        args.extend(["--val-split", "0.25"]);
        args.extend(options);
        if !options.contains(&"--mix") {
            args.extend(["--mix", "seed"]);
        }
        let run = fimd(&args);
        assert!(run.status.success(), "{run:?}");
        fixture
    }

    /// A copy of both, in which faults are planted.
    pub(crate) fn copy(&self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for part in ["project/src", "data"] {
            let to = folder.path().join(part);
            fs::create_dir_all(&to).unwrap();
            for entry in fs::read_dir(self.folder.path().join(part)).unwrap() {
                let entry = entry.unwrap();
                fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
            }
        }
        Self { folder }
    }

    pub(crate) fn project(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    pub(crate) fn output(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The exit code and the report.
    pub(crate) fn verify(&self) -> (Option<i32>, Value) {
        self.verify_with(&[])
    }

    /// As [`Self::verify`], with more options.
    pub(crate) fn verify_with(&self, more: &[&str]) -> (Option<i32>, Value) {
        let (project, output) = (self.project(), self.output());
        let paths = [
            output.to_str().unwrap(),
            "--project",
            project.to_str().unwrap(),
        ];
        let run = fimd(&[&["verify"], &paths[..], &["--json"], more].concat());
        let report = serde_json::from_slice(&run.stdout).unwrap_or_else(|_| panic!("{run:?}"));
        (run.status.code(), report)
    }

    /// Changes the records of a split, in any format.
    pub(crate) fn edit(&self, part: &str, change: impl FnOnce(&mut Vec<Value>)) {
        let files = fs::read_dir(self.output()).unwrap();
        let mut paths = files.map(|file| file.unwrap().path());
        let is_part = |path: &PathBuf| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.split_once('.').unwrap().0 == part
        };
        let path = paths.find(is_part).unwrap();
        let change = |lines: &[u8]| {
            let text = str::from_utf8(lines).unwrap();
            let mut records = text
                .lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect();
            change(&mut records);
            let lines = records.iter().map(|record| format!("{record}\n"));
            lines.collect::<String>().into_bytes()
        };
        let changed = match path.extension().unwrap().to_str().unwrap() {
            "jsonl" => change(&fs::read(&path).unwrap()),
            "zst" => {
                let lines = zstd::decode_all(File::open(&path).unwrap()).unwrap();
                zstd::encode_all(&*change(&lines), 1).unwrap()
            }
            "parquet" => edit_rows(&path, change),
            other => panic!("{other}"),
        };
        fs::write(path, changed).unwrap();
    }

    pub(crate) fn edit_metadata(&self, pointer: &str, value: Value) {
        let path = self.output().join("metadata.json");
        let mut metadata: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        *metadata.pointer_mut(pointer).unwrap() = value;
        fs::write(path, metadata.to_string()).unwrap();
    }
}

/// Changes the rows of a Parquet file, as JSON lines.
fn edit_rows(path: &Path, change: impl FnOnce(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let file = File::open(path).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let schema = Arc::clone(reader.schema());
    let mut lines = arrow_json::LineDelimitedWriter::new(Vec::new());
    for batch in reader.build().unwrap() {
        lines.write(&batch.unwrap()).unwrap();
    }
    lines.finish().unwrap();
    let changed = change(&lines.into_inner());
    let rows = arrow_json::ReaderBuilder::new(Arc::clone(&schema));
    let mut file = ArrowWriter::try_new(Vec::new(), schema, None).unwrap();
    for batch in rows.build(&*changed).unwrap() {
        file.write(&batch.unwrap()).unwrap();
    }
    file.into_inner().unwrap()
}

/// Writes one field of a record, and adapts `text` to it.
fn set(record: &mut Value, part: &str, value: String) {
    record[part] = value.into();
    let of = |part: &str| record[part].as_str().unwrap();
    record["text"] = format!(
        "<|fim_prefix|>{}{}<|fim_suffix|>{}<|fim_middle|>{}<|endoftext|>",
        of("context"),
        of("prefix"),
        of("suffix"),
        of("middle")
    )
    .into();
}

fn str_of(record: &Value, part: &str) -> String {
    record[part].as_str().unwrap().to_owned()
}

/// The names of the breached claims.
pub(crate) fn breached(report: &Value) -> Vec<String> {
    let findings = report["findings"].as_array().unwrap().iter();
    findings
        .filter(|finding| finding["breached"] != 0)
        .map(|finding| str_of(finding, "claim"))
        .collect()
}

/// Why the dataset does not make a claim; null if it does.
pub(crate) fn not_claimed(report: &Value, claim: &str) -> Value {
    let mut findings = report["findings"].as_array().unwrap().iter();
    let finding = findings.find(|finding| finding["claim"] == claim).unwrap();
    finding["not_claimed"].clone()
}

/// All reported breaches of a claim.
pub(crate) fn told(report: &Value, claim: &str) -> String {
    let mut findings = report["findings"].as_array().unwrap().iter();
    let finding = findings.find(|finding| finding["claim"] == claim).unwrap();
    finding["breaches"].to_string()
}

#[test]
fn a_clean_dataset_of_every_family_keeps_its_word() {
    for family in ["qwen2.5-coder", "granite-code", "codellama", "starcoder"] {
        let fixture = Fixture::new(&["--base-model", family]);
        let (code, report) = fixture.verify();
        assert_eq!(breached(&report), [""; 0], "{family}: {report:#}");
        assert_eq!(code, Some(0));
        assert_eq!(report["holds"], true);
        let examples = report["train"].as_u64().unwrap() + report["val"].as_u64().unwrap();
        assert!(examples > 20, "{report}");
        for finding in report["findings"].as_array().unwrap() {
            let is_checked = finding["checked"].as_u64().unwrap() > 0;
            assert!(
                is_checked != finding["not_claimed"].is_string(),
                "{finding}"
            );
        }
    }
}

/// The fault, the claims that must be breached, the message of one of them, and
/// the function that plants the fault.
type Fault = (
    &'static str,
    &'static [&'static str],
    &'static str,
    fn(&Fixture),
);

fn faults() -> [Fault; 19] {
    [
        ("an edited middle", &["round_trip"], "train:2", |fixture| {
            fixture.edit("train", |records| {
                let middle = str_of(&records[1], "middle").replace('(', "[");
                set(&mut records[1], "middle", middle);
            });
        }),
        ("an edited prefix", &["round_trip"], "prefix: ", |fixture| {
            fixture.edit("train", |records| {
                let prefix = format!("clash {}", str_of(&records[0], "prefix"));
                set(&mut records[0], "prefix", prefix);
            });
        }),
        (
            "a window that complete does not show",
            &["parity"],
            "prefix: expected",
            |fixture| {
                fixture.edit("train", |records| {
                    let shorter = |record: &&mut Value| str_of(record, "prefix").contains('\n');
                    let record = records.iter_mut().find(shorter).unwrap();
                    let prefix = str_of(record, "prefix");
                    let (_, rest) = prefix.split_once('\n').unwrap();
                    set(record, "prefix", rest.to_owned());
                });
            },
        ),
        ("an edited suffix", &["round_trip"], "suffix: ", |fixture| {
            fixture.edit("val", |records| {
                let record = records
                    .iter_mut()
                    .find(|record| record["suffix"] != "")
                    .unwrap();
                let suffix = format!("?{}", str_of(record, "suffix"));
                set(record, "suffix", suffix);
            });
        }),
        ("an edited text", &["text"], "train:1", |fixture| {
            fixture.edit("train", |records| {
                let text = str_of(&records[0], "text") + "\n";
                records[0]["text"] = text.into();
            });
        }),
        (
            "a record in the other part",
            &["split_files", "metadata"],
            "in train and 1 in val",
            |fixture| {
                let mut moved = None;
                fixture.edit("train", |records| moved = records.pop());
                fixture.edit("val", |records| records.extend(moved));
            },
        ),
        (
            "a record twice",
            &["duplicate_examples", "metadata"],
            "is a duplicate of train:1",
            |fixture| {
                fixture.edit("train", |records| records.push(records[0].clone()));
            },
        ),
        (
            "a marker",
            &["markers", "text", "parity"],
            "the context spells a marker",
            |fixture| {
                fixture.edit("train", |records| {
                    let context = "// <|fim_middle|>\n".to_owned();
                    set(&mut records[0], "context", context);
                });
            },
        ),
        (
            "a smaller budget",
            &["budget"],
            "max_middle_lines",
            |fixture| {
                fixture.edit_metadata("/options/max_middle_lines", json!(1));
            },
        ),
        (
            "a smaller total",
            &["budget"],
            "max_total_chars",
            |fixture| {
                fixture.edit_metadata("/options/max_total_chars", json!(200));
            },
        ),
        (
            "an edited context",
            &["parity"],
            "the example, or some file of the project",
            |fixture| {
                fixture.edit("val", |records| {
                    let context = format!("// {}", str_of(&records[0], "context"));
                    set(&mut records[0], "context", context);
                });
            },
        ),
        (
            "a context with the middle",
            &["context", "parity"],
            "away",
            |fixture| {
                fixture.edit("train", |records| {
                    let long = |record: &&mut Value| str_of(record, "middle").len() > 120;
                    let record = records.iter_mut().find(long).unwrap();
                    let context = str_of(record, "middle").replace(' ', "  ") + "\n";
                    set(record, "context", context);
                });
            },
        ),
        (
            "a middle that training shows",
            &["unseen", "parity"],
            "stands in a context that is trained on",
            |fixture| {
                let mut shown = String::new();
                fixture.edit("val", |records| {
                    let mut middles = records.iter().map(|record| str_of(record, "middle"));
                    shown = middles.find(|middle| middle.len() > 120).unwrap();
                });
                fixture.edit("train", |records| {
                    set(&mut records[0], "context", shown + "\n");
                });
            },
        ),
        (
            "false counts",
            &["metadata"],
            "counts/train: expected",
            |fixture| {
                fixture.edit_metadata("/counts/train", json!(1_000_000));
            },
        ),
        (
            "a false score",
            &["metadata"],
            "complexity_score",
            |fixture| {
                fixture.edit("train", |records| {
                    let score = records[0]["complexity_score"].as_f64().unwrap();
                    records[0]["complexity_score"] = (score + 1.0).into();
                });
            },
        ),
        (
            "a truncated part",
            &["readable", "metadata"],
            "train.jsonl:",
            |fixture| {
                let path = fixture.output().join("train.jsonl");
                let bytes = fs::read(&path).unwrap();
                fs::write(path, &bytes[..bytes.len() - 20]).unwrap();
            },
        ),
        (
            "a line that is no JSON",
            &["readable"],
            "val.jsonl:2",
            |fixture| {
                let path = fixture.output().join("val.jsonl");
                let text = fs::read_to_string(&path).unwrap();
                fs::write(path, text.replacen('\n', "\nnonsense\n", 1)).unwrap();
            },
        ),
        (
            "a file that is gone",
            &["source"],
            "has changed since: it is not among the project's files",
            |fixture| fs::remove_file(fixture.project().join("src/Ledger.php")).unwrap(),
        ),
        (
            "a file that has changed",
            &["source", "round_trip"],
            "has changed since: none of its",
            |fixture| {
                let path = fixture.project().join("src/Ledger.php");
                let text = fs::read_to_string(&path).unwrap();
                fs::write(path, text.replacen("<?php", "<?php // New.", 1)).unwrap();
            },
        ),
    ]
}

/// Checks that each of `faults`, planted in a copy of `clean`, is found.
fn assert_found(clean: &Fixture, faults: impl Iterator<Item = Fault>) {
    for (fault, claims, words, plant) in faults {
        let fixture = clean.copy();
        plant(&fixture);
        let (code, report) = fixture.verify();
        assert_eq!(code, Some(1), "{fault}: {report:#}");
        assert_eq!(report["holds"], false);
        let found = breached(&report);
        for claim in claims {
            assert!(
                found.iter().any(|found| found == claim),
                "{fault}: {report:#}"
            );
        }
        // A changed record breaches no other claims.
        let blameless = [
            "readable",
            "split_files",
            "split_clusters",
            "duplicate_files",
        ];
        for claim in blameless.iter().filter(|claim| !claims.contains(claim)) {
            assert!(
                !found.iter().any(|found| found == claim),
                "{fault}: {report:#}"
            );
        }
        assert!(
            claims
                .iter()
                .any(|claim| told(&report, claim).contains(words)),
            "{fault}: {report:#}"
        );
    }
}

#[test]
fn a_planted_fault_of_each_sort_is_found_by_its_claim() {
    assert_found(&Fixture::new(&[]), faults().into_iter());
}

#[test]
fn a_planted_fault_is_found_in_every_format() {
    for format in ["jsonl.zst", "parquet"] {
        let clean = Fixture::new(&["--format", format]);
        let (code, report) = clean.verify();
        assert_eq!((code, breached(&report)), (Some(0), vec![]), "{report:#}");
        // Faults in the JSON syntax breach other claims.
        let faults = faults().into_iter();
        assert_found(&clean, faults.filter(|fault| fault.1[0] != "readable"));
    }
}

/// Every file ends with a password and a control token of the family.
pub(crate) const HARD: &str = "\nfunction connectAll($host, $password = 'tr0ub4dor&3zQ')\n{\n    // <|fim_middle|> is a marker.\n    return open($host, $password, strlen($host) * 3);\n}\n";

#[test]
fn whatever_is_asked_for_the_dataset_keeps_its_word() {
    for options in [
        &["--spm-rate", "0.5", "--bm25-context"][..],
        &["--context-style", "repo", "--markers", "neutralise"],
        &["--context-style", "repo", "--max-tokens", "700"],
        &["--markers", "neutralise", "--dedup", "off"],
        &["--markers", "neutralise", "--secrets", "keep"],
        &["--base-model", "codestral", "--max-tokens", "500"],
        &["--provenance", "--curriculum", "--curriculum-top-pct", "60"],
    ] {
        // Without this option every example that shows the control token is
        // dropped.
        let neutralises = options.contains(&"neutralise");
        let fixture = Fixture::with(if neutralises { HARD } else { "" }, options);
        let (code, report) = fixture.verify();
        assert_eq!(breached(&report), [""; 0], "{options:?}: {report:#}");
        assert_eq!(code, Some(0), "{options:?}");
    }
}

#[test]
fn what_training_shows_does_not_validate() {
    // Chunks of validation files are context of training files.
    let fixture = Fixture::new(&["--bm25-context"]);
    let metadata = fs::read(fixture.output().join("metadata.json")).unwrap();
    let metadata: Value = serde_json::from_slice(&metadata).unwrap();
    assert_eq!(metadata["split"]["leaks"], false);
    let rejected = |reason: &str| metadata["rejections"][reason].as_u64().unwrap_or(0);
    let seen = rejected("seen_in_training") + rejected("shows_validation");
    let (code, report) = fixture.verify();
    assert_eq!(code, Some(0), "{report:#}");
    // The same is a breach in a dataset that was not decontaminated.
    let kept = Fixture::new(&["--bm25-context", "--split-by", "example"]);
    kept.edit_metadata("/options/split_by", json!("file"));
    let (_, report) = kept.verify();
    assert!(
        breached(&report).contains(&"unseen".to_owned()),
        "{report:#}"
    );
    assert!(seen > 0);
}

#[test]
fn the_ratio_is_reached_and_everything_tells_what_was_compared() {
    // Chunks of validation files are context of training files, and short middles
    // stand in many files.
    let options = ["--bm25-context", "--min-middle-chars", "3"];
    let fixture = Fixture::sized(4, "", &options);
    let text = |name: &str| fs::read_to_string(fixture.output().join(name)).unwrap();
    let metadata: Value = serde_json::from_str(&text("metadata.json")).unwrap();
    let reached = metadata["split"]["reached"].as_f64().unwrap();
    assert!((0.22..=0.28).contains(&reached), "{metadata:#}");
    let rejected = |reason: &str| metadata["rejections"][reason].as_u64().unwrap_or(0);
    assert!(rejected("seen_in_training") + rejected("shows_validation") > 0);

    let unseen = &metadata["split"]["unseen"];
    let count = |rule: &str| unseen[rule].as_u64().unwrap();
    let compared = ["long", "telling", "in_place", "exempt"].map(count);
    assert_eq!(compared.iter().sum::<u64>(), metadata["counts"]["val"]);
    assert!(compared[0] > 0 && compared[2] > 0, "{unseen}");
    assert!(
        (1..=compared[2]).contains(&count("in_place_elsewhere")),
        "{unseen}"
    );
    let card = text("README.md");
    for count in compared {
        assert!(card.contains(&format!(" | {count} |\n")), "{card}");
    }
    let (code, report) = fixture.verify();
    assert_eq!((code, breached(&report)), (Some(0), vec![]), "{report:#}");
    assert_eq!(report["exposure"]["compared"], *unseen);

    for name in ["reached", "unseen/long", "unseen/in_place_elsewhere"] {
        let copy = fixture.copy();
        copy.edit_metadata(&format!("/split/{name}"), json!(1000));
        let told = told(&copy.verify().1, "metadata");
        assert!(told.contains(&format!("split/{name}: expected ")), "{told}");
    }
}

#[test]
fn a_secret_that_is_written_out_is_a_breach() {
    let fixture = Fixture::with(HARD, &["--markers", "neutralise", "--dedup", "off"]);
    let mut is_planted = false;
    fixture.edit("train", |records| {
        for record in records {
            let suffix = str_of(record, "suffix");
            let Some(at) = suffix.find("REDACTED_") else {
                continue;
            };
            let end = at + suffix[at..].find('\'').unwrap();
            let suffix = format!("{}tr0ub4dor&3zQ{}", &suffix[..at], &suffix[end..]);
            set(record, "suffix", suffix);
            is_planted = true;
        }
    });
    assert!(is_planted);
    let (code, report) = fixture.verify();
    assert_eq!(code, Some(1));
    assert!(
        told(&report, "round_trip").contains("suffix: "),
        "{report:#}"
    );
}

#[test]
fn each_record_is_held_against_its_own_project() {
    let (fixture, other) = (Fixture::new(&[]), Fixture::new(&[]));
    let again = other.folder.path().join("again");
    fs::rename(other.project(), &again).unwrap();
    let (project, output) = (fixture.project(), fixture.output());
    let [project, again, output] = [&project, &again, &output].map(|path| path.to_str().unwrap());
    let run = fimd(&[
        "generate", project, again, "--dedup", "off", "--output", output,
    ]);
    assert!(run.status.success(), "{run:?}");
    let verify = |projects: &[&str]| {
        let run = fimd(&[&["verify", output, "--json"], projects].concat());
        let report: Value = serde_json::from_slice(&run.stdout).unwrap();
        (run.status.code(), report)
    };
    let (code, report) = verify(&["--project", project, "--project", again]);
    assert_eq!((code, breached(&report)), (Some(0), vec![]), "{report:#}");
    let (code, report) = verify(&["--project", project]);
    assert_eq!(code, Some(1));
    assert!(told(&report, "source").contains("no project"), "{report:#}");
}

#[test]
fn near_duplicates_in_different_parts_are_found() {
    let fixture = Fixture::new(&["--dedup", "exact"]);
    let mut val = Vec::new();
    fixture.edit("val", |records| val.clone_from(records));
    let original = str_of(&val[0], "filepath");
    let text = fs::read_to_string(fixture.project().join(&original)).unwrap();
    let copy = text.replacen("return ", "return 0 + ", 1);
    fs::write(fixture.project().join("src/Copy.php"), &copy).unwrap();
    fixture.edit("train", |records| {
        let mut record = records[0].clone();
        record["filepath"] = "src/Copy.php".into();
        records.push(record);
    });
    let (code, report) = fixture.verify();
    assert_eq!(code, Some(1));
    let told = told(&report, "split_clusters");
    assert!(
        told.contains(&original) && told.contains("src/Copy.php trains"),
        "{told}"
    );
    // The text differs, because a file with the same text would be an exact
    // duplicate, not a near one.
    assert!(!breached(&report).contains(&"duplicate_files".to_owned()));
    fs::write(fixture.project().join("src/Copy.php"), text).unwrap();
    let (_, report) = fixture.verify();
    assert!(breached(&report).contains(&"duplicate_files".to_owned()));
}

#[test]
fn a_part_that_is_missing_is_a_breach_and_no_dataset_an_error() {
    let fixture = Fixture::new(&[]);
    fs::remove_file(fixture.output().join("val.jsonl")).unwrap();
    let (code, report) = fixture.verify();
    assert_eq!(code, Some(1));
    assert!(
        told(&report, "readable").contains("val.jsonl"),
        "{report:#}"
    );
    let empty = tempfile::tempdir().unwrap();
    let run = fimd(&[
        "verify",
        empty.path().to_str().unwrap(),
        "--project",
        fixture.project().to_str().unwrap(),
    ]);
    assert_eq!(run.status.code(), Some(1));
    let said = String::from_utf8(run.stderr).unwrap();
    assert!(
        said.contains("metadata.json") && said.lines().count() == 1,
        "{said}"
    );
}

#[test]
fn a_split_by_example_claims_no_split_by_file() {
    let fixture = Fixture::new(&["--split-by", "example"]);
    let (code, report) = fixture.verify();
    assert_eq!(code, Some(0), "{report:#}");
    let findings = report["findings"].as_array().unwrap();
    let not_claimed = findings
        .iter()
        .filter(|f| f["not_claimed"] == "it is split by example");
    assert_eq!(not_claimed.count(), 3);
    let middles = report["exposure"]["middles"].as_u64();
    assert_eq!(middles, report["val"].as_u64());
}

#[test]
fn people_read_a_line_for_each_claim() {
    let fixture = Fixture::new(&[]);
    fixture.edit_metadata("/counts/val", json!(0));
    let (project, output) = (fixture.project(), fixture.output());
    let run = fimd(&[
        "verify",
        output.to_str().unwrap(),
        "--project",
        project.to_str().unwrap(),
        "--all",
    ]);
    let text = String::from_utf8(run.stdout).unwrap();
    assert_eq!(run.status.code(), Some(1));
    assert_eq!(
        text.matches("\nholds ").count() + usize::from(text.starts_with("holds ")),
        15
    );
    assert!(
        text.contains("\n             metadata.json: counts/val: expected "),
        "{text}"
    );
    assert!(
        text.trim_end().ends_with("examples: 3 claims breached"),
        "{text}"
    );
}

#[test]
fn a_preview_of_a_dataset_prints_what_is_asked_for() {
    let fixture = Fixture::new(&[]);
    let output = fixture.output();
    let preview = |more: &[&str]| {
        let run = fimd(&[&["preview", output.to_str().unwrap()], more].concat());
        (
            run.status.code(),
            String::from_utf8([run.stdout, run.stderr].concat()).unwrap(),
        )
    };
    let (code, three) = preview(&["-n", "3"]);
    assert_eq!(
        (code, three.matches('\u{27e6}').count()),
        (Some(0), 3),
        "{three}"
    );
    assert_eq!(preview(&["-n", "3"]).1, three);
    assert_ne!(preview(&["-n", "3", "--seed", "1"]).1, three);
    let (_, kind) = preview(&["-n", "2", "--kind", "ast_node"]);
    assert_eq!(kind.matches(" ast_node ").count(), 2, "{kind}");
    let (code, none) = preview(&["--kind", "braces"]);
    assert_eq!(code, Some(1));
    assert!(none.contains("no example braces"), "{none}");
    assert_eq!(preview(&["-n", "0"]).0, Some(2));
    assert!(Path::new(&output).join("report.html").is_file());
}

#[test]
fn unfinished_buffers_and_short_contexts_are_proved() {
    let fixture = Fixture::new(&[
        "--mix",
        "completion",
        "--unfinished",
        "0.7",
        "--short-context",
        "0.5",
    ]);
    let (code, report) = fixture.verify();
    assert_eq!(code, Some(0), "{report}");
    type Change = fn(&mut Value);
    let is_unfinished = |record: &&mut Value| record["buffer"].is_string();
    let changes: [(&str, Change); 4] = [
        ("round_trip", |record| {
            record["buffer"] = json!("half_line 3..1")
        }),
        ("round_trip", |record| record["buffer"] = Value::Null),
        ("round_trip", |record| record["buffer"] = json!("soon 1..2")),
        ("metadata", |record| {
            let buffer = record["buffer"].as_str().unwrap();
            let (_, cut) = buffer.split_once(' ').unwrap();
            record["buffer"] = json!(format!("import_missing {cut}"));
        }),
    ];
    for (claim, change) in changes {
        let copy = fixture.copy();
        copy.edit("train", |records| {
            change(records.iter_mut().find(is_unfinished).unwrap())
        });
        let (code, report) = copy.verify();
        assert_eq!(code, Some(1));
        let breached = report["findings"].as_array().unwrap().iter();
        let breached: Vec<_> = breached
            .filter(|finding| finding["breached"] != 0)
            .map(|finding| finding["claim"].as_str().unwrap())
            .collect();
        assert!(breached.contains(&claim), "{claim}: {breached:?}");
    }
    let copy = fixture.copy();
    copy.edit("train", |records| {
        let short = records
            .iter_mut()
            .find(|record| record["context_max_chars"] == 1024);
        short.unwrap()["context_max_chars"] = json!(4096);
    });
    assert_eq!(copy.verify().0, Some(1));
}
