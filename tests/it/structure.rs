//! The structure that ARCHITECTURE.md states, checked on the code: imports point
//! one way between rooms, no files import one another in a circle, pure code
//! knows no runtime, disk, network or wire, and a public type's name has one
//! meaning.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use self::imports::{Crate, Module};

mod imports;

/// What code that is pure must not name: the first segments of a path.
const IMPURE: &[&[&str]] = &[
    &["tokio"],
    &["tower_lsp"],
    &["tower_service"],
    &["reqwest"],
    &["notify"],
    &["std", "fs"],
    &["std", "env"],
    &["std", "net"],
    &["std", "process"],
    &["std", "os"],
];

/// The rooms that read what a project brings.
const READERS: &[&str] = &["files", "engine", "server", "rpc"];

/// What opens a file whatever it is: the last segments of a path.
const OPENS: &[[&str; 2]] = &[
    ["fs", "read"],
    ["fs", "read_to_string"],
    ["File", "open"],
    ["File", "options"],
    ["OpenOptions", "new"],
];

/// The files of these rooms that open files by themselves all the same, with the reason.
/// All others open them by `files/regular.rs`.
const OPENERS: &[(&str, &str, &str)] = &[
    ("files::regular", "OpenOptions::new", "it is the helper"),
    (
        "files::replacement",
        "File::open",
        "locks and syncs the folder of what fimd writes",
    ),
    (
        "files::read",
        "fs::read",
        "a file that the user names for one command of the shell may be a pipe",
    ),
    (
        "files::cache",
        "File::open",
        "locks and syncs the cache's own folder",
    ),
    (
        "engine::generation",
        "fs::read",
        "reads the tokenizer that the user names",
    ),
    (
        "engine::tags::log",
        "fs::read_to_string",
        "reads the user's state",
    ),
    (
        "server::socket",
        "File::open",
        "locks the folder of the socket",
    ),
];

/// Type names that several files may define: each command of the shell has its
/// own arguments, and a feature that is off has a stand-in for its type.
const REPEATED_NAMES: &[&str] = &["Args", "Rows", "Tokenizer"];

/// The rooms of the crate, as ARCHITECTURE.md lists them.
struct Rooms {
    /// For each room, by its module path, the number of its layer from the top.
    layers: BTreeMap<Module, usize>,
    pure: BTreeSet<Module>,
}

impl Rooms {
    /// Reads the list in `text` that stands between `<!-- layers -->` and the
    /// next blank line: a layer per line, from the top, each with its rooms in
    /// backticks. A room with a `*` behind it is pure.
    fn read(text: &str) -> Self {
        let (_, list) = text
            .split_once("<!-- layers -->\n")
            .expect("ARCHITECTURE.md lists the layers behind <!-- layers -->");
        let lines = list.lines().take_while(|line| !line.is_empty());
        let mut rooms = Self {
            layers: BTreeMap::new(),
            pure: BTreeSet::new(),
        };
        for (layer, line) in lines.enumerate() {
            let mut parts = line.split('`');
            parts.next();
            while let (Some(room), Some(behind)) = (parts.next(), parts.next()) {
                let room: Module = room.split('/').map(str::to_owned).collect();
                if behind.starts_with('*') {
                    rooms.pure.insert(room.clone());
                }
                rooms.layers.insert(room, layer);
            }
        }
        rooms
    }

    /// The room that holds `module`: the longest that its path begins with.
    fn of<'a>(&'a self, module: &Module) -> Option<(&'a Module, usize)> {
        (1..=module.len()).rev().find_map(|length| {
            let (room, &layer) = self.layers.get_key_value(&module[..length])?;
            Some((room, layer))
        })
    }
}

/// Imports from a room of the same or a higher layer, and modules in no room.
fn upward(source: &Crate, rooms: &Rooms) -> Vec<String> {
    let mut found = Vec::new();
    for (module, imports) in source.imports() {
        if module.is_empty() {
            continue;
        }
        let Some((room, layer)) = rooms.of(module) else {
            found.push(format!("{} is in no room", module.join("::")));
            continue;
        };
        for import in imports {
            if let Some((other, other_layer)) = rooms.of(import)
                && other != room
                && other_layer <= layer
            {
                found.push(format!(
                    "{} imports {}",
                    module.join("::"),
                    import.join("::")
                ));
            }
        }
    }
    found
}

/// The circles of files that import one another, each as its modules. What a
/// file takes from the file of its own room or of one around it is left out: the
/// words of a room stand there for all that is inside.
fn circles(source: &Crate) -> Vec<String> {
    let mut imports = source.imports();
    for (module, targets) in &mut imports {
        targets.retain(|target| !module.starts_with(target));
    }
    let reach = |from: &Module| {
        let mut reached = BTreeSet::new();
        let mut open = vec![from.clone()];
        while let Some(module) = open.pop() {
            for &next in &imports[&module] {
                if reached.insert(next.clone()) {
                    open.push(next.clone());
                }
            }
        }
        reached
    };
    let reached: BTreeMap<&Module, BTreeSet<Module>> = imports
        .keys()
        .map(|&module| (module, reach(module)))
        .collect();
    let mut found = BTreeSet::new();
    for (&module, targets) in &reached {
        let circle: Vec<String> = targets
            .iter()
            .filter(|target| reached[target].contains(module))
            .map(|target| target.join("::"))
            .collect();
        if !circle.is_empty() {
            found.insert(circle.join(", "));
        }
    }
    found.into_iter().collect()
}

/// What pure rooms name of runtime, disk, network and process.
fn impure(source: &Crate, rooms: &Rooms) -> Vec<String> {
    source
        .foreign()
        .filter(|(module, _)| {
            rooms
                .of(module)
                .is_some_and(|(room, _)| rooms.pure.contains(room))
        })
        .filter(|(_, path)| {
            IMPURE.iter().any(|segments| {
                path.len() >= segments.len() && path.iter().zip(*segments).all(|(a, b)| a == b)
            })
        })
        .map(|(module, path)| format!("{} names {}", module.join("::"), path.join("::")))
        .collect()
}

/// Where the rooms that read projects open a file without asking what it is, as module and
/// call.
fn opens(source: &Crate) -> BTreeSet<(String, String)> {
    let read = |module: &Module| {
        module
            .first()
            .is_some_and(|room| READERS.contains(&&**room))
    };
    let call = |path: &Module| {
        let last = path.last_chunk::<2>()?;
        let opens = OPENS.iter().any(|open| last == open);
        opens.then(|| last.join("::"))
    };
    let found = source.foreign().filter(|(module, _)| read(module));
    found
        .filter_map(|(module, path)| Some((module.join("::"), call(path)?)))
        .collect()
}

/// Names of types that several files define for others to see.
fn repeated_names(source: &Crate) -> Vec<String> {
    source
        .visible_types()
        .into_iter()
        .filter(|(name, modules)| modules.len() > 1 && !REPEATED_NAMES.contains(name))
        .map(|(name, modules)| {
            let modules: Vec<String> = modules.iter().map(|module| module.join("::")).collect();
            format!("{name}: {}", modules.join(", "))
        })
        .collect()
}

/// The program's own source and its rooms.
fn own() -> (Crate, Rooms) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    (Crate::read(&root.join("src")), Rooms::read(&text))
}

/// Fails with `found`, a line each, if there is any.
fn assert_none(found: &[String], what: &str) {
    assert!(found.is_empty(), "{what}:\n{}", found.join("\n"));
}

#[test]
fn imports_point_one_way() {
    let (source, rooms) = own();
    assert_none(&upward(&source, &rooms), "imports that point upward");
}

#[test]
fn no_files_import_one_another_in_a_circle() {
    assert_none(&circles(&own().0), "circles");
}

#[test]
fn pure_code_knows_no_runtime_disk_network_or_process() {
    let (source, rooms) = own();
    assert_none(
        &impure(&source, &rooms),
        "pure code that names what it must not know",
    );
}

#[test]
fn a_type_name_has_one_meaning() {
    assert_none(
        &repeated_names(&own().0),
        "type names that are defined more than once",
    );
}

#[test]
fn what_a_project_brings_is_opened_by_one_helper() {
    let found = opens(&own().0);
    let allowed = OPENERS.iter();
    let allowed = allowed.map(|(module, call, _)| ((*module).to_owned(), (*call).to_owned()));
    let allowed: BTreeSet<_> = allowed.collect();
    assert_eq!(found, allowed, "files that open others by themselves");
}

/// A crate of these files, each a module path with `::` and its source.
fn sample(files: &[(&str, &str)]) -> Crate {
    let module = |path: &str| -> Module {
        path.split("::")
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect()
    };
    Crate::new(
        files
            .iter()
            .map(|(path, source)| (module(path), (*source).to_owned())),
    )
}

const SAMPLE_ROOMS: &str = "<!-- layers -->\n1. `high`\n2. `middle` `beside`\n3. `low`*\n";

#[test]
fn an_upward_import_is_found_however_it_is_written() {
    let rooms = Rooms::read(SAMPLE_ROOMS);
    let root = ("", "mod high; mod middle; mod beside; mod low;");
    for (import, expected) in [
        ("use crate::high::Thing;", "low imports high"),
        (
            "use crate::{high::inner::{self, Deep}, low};",
            "low imports high::inner",
        ),
        ("use super::high::Passed;", "low imports high::inner"),
        (
            "fn f() -> crate::high::Thing { todo!() }",
            "low imports high",
        ),
        (
            "fn f() { println!(\"{}\", crate::high::NUMBER); }",
            "low imports high",
        ),
        ("#[cfg(test)] mod tests { use crate::high::Thing; }", ""),
        ("use crate::middle::Thing as Other;", "low imports middle"),
    ] {
        let source = sample(&[
            root,
            (
                "high",
                "mod inner; pub use self::inner::Passed; pub struct Thing;",
            ),
            ("high::inner", "pub struct Passed; pub struct Deep;"),
            ("middle", "use crate::low; pub struct Thing;"),
            ("beside", ""),
            ("low", import),
        ]);
        assert_eq!(upward(&source, &rooms).join(", "), expected, "{import}");
    }
}

#[test]
fn neighbours_on_a_layer_and_modules_without_a_room_are_found() {
    let source = sample(&[
        ("", "mod middle; mod beside; mod stray;"),
        ("middle", "use crate::beside::Thing;"),
        ("beside", "pub struct Thing;"),
        ("stray", ""),
    ]);
    let found = upward(&source, &Rooms::read(SAMPLE_ROOMS));
    assert_eq!(found, ["middle imports beside", "stray is in no room"]);
}

#[test]
fn a_circle_is_found_and_a_word_of_the_own_room_is_none() {
    let source = sample(&[
        ("", "mod room;"),
        (
            "room",
            "mod one; mod two; mod three; pub use self::three::Three; pub struct Word;",
        ),
        (
            "room::one",
            "use super::two::Two; use super::Word; pub struct One;",
        ),
        ("room::two", "use super::Three; pub struct Two;"),
        (
            "room::three",
            "fn f(one: crate::room::one::One) {} pub struct Three;",
        ),
    ]);
    assert_eq!(circles(&source), ["room::one, room::three, room::two"]);
}

#[test]
fn impure_names_are_found_in_pure_rooms_only() {
    let disk = "use std::{fs, path::Path}; fn f() { tokio::spawn(g()); }";
    let source = sample(&[("", "mod low; mod high;"), ("low", disk), ("high", disk)]);
    let found = impure(&source, &Rooms::read(SAMPLE_ROOMS));
    assert_eq!(found, ["low names std::fs", "low names tokio::spawn"]);
}

#[test]
fn a_name_that_two_files_define_for_others_is_found() {
    let source = sample(&[
        ("", "mod high; mod low;"),
        (
            "high",
            "pub struct Args; pub(crate) enum Place {} struct Own;",
        ),
        ("low", "pub struct Args; pub trait Place {} struct Own;"),
    ]);
    assert_eq!(repeated_names(&source), ["Place: high, low"]);
}

#[test]
fn an_open_is_found_however_it_is_written() {
    let source = sample(&[
        ("", "mod files; mod low;"),
        (
            "files",
            "use std::fs::{self, File}; fn f() { fs::read(p); File::open(p).unwrap(); g(std::fs::read); }
             #[cfg(test)] mod tests { fn t() { std::fs::read_to_string(p); } }",
        ),
        ("low", "fn f() { std::fs::read(p); }"),
    ]);
    let found = opens(&source);
    let calls: Vec<_> = found.iter().map(|(_, call)| call.as_str()).collect();
    assert_eq!(calls, ["File::open", "fs::read"]);
}
