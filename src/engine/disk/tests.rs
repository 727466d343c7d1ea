//! Properties of an index that is brought up to date, compared with a rebuild.

use std::fs;

use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::cancel::Cancel;
use crate::context::{self, ContextRequest};
use crate::engine::{Project, ProjectOptions};
use crate::index::Snapshot;
use crate::index::symbols::DeclKind;

const FOLDERS: [&str; 5] = ["", "a", "a/b", "c", "cache"];
const FILES: [&str; 3] = ["x.php", "y.php", "z.txt"];
const RULES: [&str; 3] = ["", "a/\n", "y.php\n!cache/\n"];

/// A change to the files of the project.
#[derive(Clone, Debug)]
enum FileOperation {
    Write {
        path: String,
        text: u8,
    },
    Remove {
        path: String,
    },
    Rename {
        from: String,
        to: String,
    },
    Link {
        path: String,
    },
    Ignore {
        folder: &'static str,
        rules: &'static str,
    },
    Touch {
        path: String,
    },
}

impl FileOperation {
    /// Runs the operation if it is possible. Returns the paths that a watcher would
    /// report.
    fn run(&self, root: &Path) -> Vec<PathBuf> {
        let write = |path: &str, text: &str| {
            let path = root.join(path);
            // A file may stand where a folder is needed.
            let made = path.parent().map(fs::create_dir_all);
            if made.is_some_and(|made| made.is_ok()) {
                drop(fs::write(&path, text));
            }
            path
        };
        // The watcher reports new parent folders as well.
        let with_above = |path: PathBuf| {
            let above = path.ancestors().take_while(|above| *above != root);
            // For a link, the watcher reports the file that it leads to.
            above
                .map(Path::to_path_buf)
                .chain(path.canonicalize())
                .collect::<Vec<_>>()
        };
        match self {
            Self::Write { path, text } => {
                let (class, parent) = (text % 5, (text + 1) % 5);
                let text = format!(
                    "<?php\nclass C{class} extends C{parent} {{\n  public function run{text}(C{parent} $it) {{ return $it->run{class}(); }}\n}}\n"
                );
                with_above(write(path, &text))
            }
            Self::Remove { path } => {
                let path = root.join(path);
                drop(fs::remove_dir_all(&path).or_else(|_| fs::remove_file(&path)));
                vec![path]
            }
            Self::Rename { from, to } => {
                let (from, to) = (root.join(from), root.join(to));
                drop(fs::rename(&from, &to));
                vec![from, to]
            }
            Self::Link { path } => {
                let path = root.join(path);
                drop(std::os::unix::fs::symlink("x.php", &path));
                vec![path]
            }
            Self::Ignore { folder, rules } => {
                let path = Path::new(folder).join(".gitignore");
                with_above(write(&path.to_string_lossy(), rules))
            }
            Self::Touch { path } => {
                let path = root.join(path);
                if let Ok(file) = fs::File::options().append(true).open(&path) {
                    file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
                }
                let file = path.canonicalize().unwrap_or_else(|_| path.clone());
                vec![path, file]
            }
        }
    }
}

fn operation() -> impl Strategy<Value = FileOperation> {
    let folder = || select(&FOLDERS[..]);
    let file = move || {
        (folder(), select(&FILES[..])).prop_map(|(folder, file)| {
            let path = Path::new(folder).join(file);
            path.to_string_lossy().into_owned()
        })
    };
    let any = move || prop_oneof![file(), select(&FOLDERS[1..]).prop_map(str::to_owned)];
    prop_oneof![
        6 => (file(), 0..20_u8).prop_map(|(path, text)| FileOperation::Write { path, text }),
        2 => any().prop_map(|path| FileOperation::Remove { path }),
        2 => (any(), any()).prop_map(|(from, to)| FileOperation::Rename { from, to }),
        1 => file().prop_map(|path| FileOperation::Link { path }),
        1 => (folder(), select(&RULES[..])).prop_map(|(folder, rules)| FileOperation::Ignore { folder, rules }),
        1 => file().prop_map(|path| FileOperation::Touch { path }),
    ]
}

fn open(root: &Path) -> Arc<Project> {
    let root = root.into();
    Project::open(&ProjectOptions {
        root,
        ..ProjectOptions::default()
    })
    .unwrap()
}

/// The answers of a snapshot about files, symbols and contexts.
fn answers(snapshot: &Snapshot) -> Vec<String> {
    let mut answers: Vec<String> = snapshot
        .files()
        .map(|file| format!("{}: {}", file.path, file.text))
        .collect();
    for class in (0..5).map(|n| format!("C{n}")) {
        let declared = snapshot.declared(DeclKind::Class, &class);
        let paths = declared.iter().map(|class| class.path());
        answers.push(format!("{class}: {:?}", paths.collect::<Vec<_>>()));
        let children = snapshot.children(&class);
        let names = children.iter().map(|class| class.name());
        answers.push(format!("{class}: {:?}", names.collect::<Vec<_>>()));
    }
    for content in [
        "<?php\nnew C1()->",
        "<?php\nfunction f(C2 $it) { $it->run",
        "<?php class D extends C",
    ] {
        let request = ContextRequest {
            path: "a/x.php",
            content,
            cursor: content.len(),
            window: None,
            max_chars: 2000,
            min_score: context::MinScore::default(),
            dependencies: true,
            bm25: true,
            secrets: None,
            lexed: None,
        };
        let context = context::assemble(snapshot, &request, &Cancel::default()).unwrap();
        answers.push(context.text);
    }
    answers
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn whatever_happens_to_files_the_index_is_one_built_anew(
        batches in prop::collection::vec(
            (prop::collection::vec(operation(), 0..6), 0..8_u8),
            1..10,
        ),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let project = open(&root);
        let mut disk = project.disk.try_lock().unwrap();
        for (operations, heard) in batches {
            let paths = operations.iter().flat_map(|operation| operation.run(&root)).collect();
            disk.absorb(&match heard {
                0 => DiskChanges::Rescan,
                _ => DiskChanges::Paths(paths),
            });
            let anew = open(&root);
            prop_assert_eq!(answers(&project.index.snapshot()), answers(&anew.index.snapshot()));
        }
    }
}

/// A file that is gone, and one that was replaced, count in no weight.
#[test]
fn contexts_do_not_tell_of_files_that_are_gone() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    let write = |path: &str, text: u8| {
        let path = path.to_owned();
        FileOperation::Write { path, text }.run(&root)
    };
    write("a/b/x.php", 16);
    write("a/b/y.php", 11);
    write("a/y.php", 0);
    write("x.php", 15);
    let project = open(&root);
    let mut disk = project.disk.try_lock().unwrap();
    fs::remove_file(root.join("a/y.php")).unwrap();
    disk.absorb(&DiskChanges::Rescan);
    let anew = open(&root);
    let (now, anew) = (project.index.snapshot(), anew.index.snapshot());
    assert_eq!(answers(&now), answers(&anew));
}

#[test]
fn the_same_text_publishes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    fs::write(root.join("a.php"), "<?php // a").unwrap();
    let project = open(&root);
    let mut disk = project.disk.try_lock().unwrap();
    let before = project.index.snapshot();
    fs::write(root.join("b.php"), "<?php // a").unwrap();
    fs::rename(root.join("b.php"), root.join("a.php")).unwrap();
    fs::write(root.join("notes.txt"), "a").unwrap();
    for changes in [
        DiskChanges::Paths(
            ["a.php", "b.php", "notes.txt"]
                .map(|name| root.join(name))
                .into(),
        ),
        DiskChanges::Rescan,
        DiskChanges::Lost,
    ] {
        disk.absorb(&changes);
        assert!(
            Arc::ptr_eq(&before, &project.index.snapshot()),
            "{changes:?}"
        );
    }
    fs::write(root.join("a.php"), "<?php // b").unwrap();
    disk.absorb(&DiskChanges::Rescan);
    assert!(!Arc::ptr_eq(&before, &project.index.snapshot()));
}

#[test]
fn settled_files_are_not_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    fs::write(root.join("a.php"), "<?php // a").unwrap();
    let project = open(&root);
    let mut disk = project.disk.try_lock().unwrap();
    // The stamp alone decides: the content is not compared.
    let stamp = Stamp::of(&root.join("a.php").metadata().unwrap());
    disk.synced.get_mut("a.php").unwrap().stamp = Some(stamp);
    let reads = std::sync::atomic::AtomicUsize::new(0);
    let count = || {
        reads.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Ok::<_, FilesError>(())
    };
    disk.refresh(&count).unwrap();
    assert_eq!(reads.load(std::sync::atomic::Ordering::Relaxed), 0);
    let file = fs::File::options()
        .append(true)
        .open(root.join("a.php"))
        .unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    disk.refresh(&count).unwrap();
    assert_eq!(reads.load(std::sync::atomic::Ordering::Relaxed), 1);
}

#[test]
fn memory_returns_after_large_deletions() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    for n in 0..200 {
        let path = root.join(format!("{}/{n}.php", n % 10));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let body =
            format!("  public function run{n}() {{ return $this->other{n}(); }}\n\n").repeat(20);
        fs::write(path, format!("<?php\nclass C{n} {{\n{body}}}\n")).unwrap();
    }
    let memory = |project: &Project| -> usize {
        let snapshot = project.index.snapshot();
        snapshot
            .segments()
            .iter()
            .map(|live| live.segment().memory())
            .sum()
    };
    let project = open(&root);
    let mut disk = project.disk.try_lock().unwrap();
    let whole = memory(&project);
    let files: Vec<_> = project
        .index
        .snapshot()
        .files()
        .map(Arc::downgrade)
        .collect();
    for n in 1..10 {
        fs::remove_dir_all(root.join(n.to_string())).unwrap();
        disk.absorb(&DiskChanges::Paths([root.join(n.to_string())].into()));
    }
    let alive = files.iter().filter(|file| file.strong_count() > 0).count();
    assert!(alive <= 27, "{alive} files are held of 20 that are there");
    assert!(
        memory(&project) < whole / 4,
        "{} of {whole}",
        memory(&project)
    );
    assert_eq!(disk.synced.len(), 20);
    fs::remove_dir_all(&root).unwrap();
    disk.absorb(&DiskChanges::Paths([root.clone()].into()));
    assert_eq!(memory(&project), 0);
    assert!(files.iter().all(|file| file.strong_count() == 0));
    assert_eq!(disk.missing(), [root]);
}
