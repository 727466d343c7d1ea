//! Input that no programmer writes, but that generators, minifiers and attackers
//! do. fimd reads and answers all of it without a crash, a stack overflow or
//! work out of proportion. Nothing is timed here: work that is not linear takes
//! longer than the test harness waits.

use serde_json::{Value, json};

use crate::common::{Client, Project, fimd};

/// The texts that `piece` makes of the numbers below `count`, joined.
fn times(count: usize, piece: impl Fn(usize) -> String) -> String {
    (0..count).map(piece).collect()
}

/// Names and texts. Each text is smaller than the index's limit of 1 MiB per
/// file.
fn hostile() -> Vec<(&'static str, String)> {
    let php = |code: String| format!("<?php\n{code}");
    let repeated = |piece: &str, count: usize| php(piece.repeat(count));
    let mut all =
        vec![
        (
            "ten thousand classes in a chain",
            php(times(10_000, |n| {
                let (next, other) = (n + 1, n + 2);
                format!("class C{n} extends C{next} {{ function m(C{other} $x) {{ $x->m(); }} }}\n")
            })),
        ),
        (
            "ten thousand classes of one name",
            repeated("class Same extends Same { public $same; function same() {} }\n", 10_000),
        ),
        (
            "ten thousand parents",
            php(format!(
                "interface I extends {} {{}} class K implements I {{ function m() {{ $this->m",
                times(10_000, |n| format!("P{n}, ")) + "I"
            )),
        ),
        (
            "cyclic inheritance",
            php("class A extends B { use T; function a(): self { return $this->b()->a()-> } }\n\
                 class B extends A implements I { function b(): static { return $this; } }\n\
                 class Self_ extends Self_ { use Self_; } /** @mixin M */ class M extends M {}\n\
                 trait T { use U; } trait U { use T; } interface I extends J {}\n\
                 interface J extends I {} function f(A $a) { $a->b()->a()->x->"
                .into()),
        ),
        (
            "ten thousand imports",
            php(times(10_000, |n| format!("use V\\P{n}\\C{n};\n"))
                + &times(10_000, |n| format!("new C{n}; ", ))),
        ),
        (
            "ten thousand namespaces",
            php(times(10_000, |n| format!("namespace N{n}; use A\\B; class C extends B {{}}\n"))),
        ),
        (
            "fifty thousand assignments",
            php(format!("$a = new A; {} $a->", "$a = $a->b();\n".repeat(50_000))),
        ),
        (
            "assignments that never end",
            php(format!("{} $a->", "$a = ($a->b(\n".repeat(20_000))),
        ),
        (
            "variables assigned from one another",
            php(times(20_000, |n| format!("$v{} = $v{}->next();\n", n + 1, n))
                + "$v20000->"),
        ),
        ("a line of a mebibyte", repeated("$a = $b->c('text', D::E); ", 40_000)),
        ("a name of a mebibyte", php(format!("class {} {{}} $a->", "x".repeat(1 << 19)))),
        ("nothing but open tags", "<?php ".repeat(100_000)),
        ("comments that close PHP", "<?php //?>".repeat(100_000)),
        (
            "members without a class",
            php("{".repeat(50_000) + &"public function f(); } ".repeat(30_000)),
        ),
        (
            "members behind lost braces",
            php("class A { ".to_owned()
                + &"{".repeat(50_000)
                + &"public function f(); } ".repeat(30_000)),
        ),
        (
            "doc comments",
            repeated("/** @param A<B<C<D|E>|F>> $a @var X $b */ $a = 1;\n", 15_000) + "$a->",
        ),
        (
            "a type of ten thousand classes",
            php(format!("function f({}Z $z) {{ $z->", "A|".repeat(10_000))),
        ),
    ];
    for (name, piece) in [
        ("parentheses", "("),
        ("square brackets", "["),
        ("braces", "{"),
        ("closing parentheses", ")"),
        ("closing braces", "}"),
        ("mixed brackets", "f([{"),
        ("calls", "f("),
        ("calls of the result", "()"),
        ("arrows", "->a()"),
        ("static arrows", "::A"),
        ("arrow functions", "fn() => "),
        ("closures", "function () { "),
        ("ternaries", "$a ? "),
        ("elvis", "$a ?: "),
        ("fallbacks", "$a ?? "),
        ("attributes", "#[A("),
        ("nots", "!"),
        ("news", "new "),
        ("modifiers", "static "),
        ("nullables", "?"),
        ("unions", "A|"),
        ("ifs", "if ($a) { "),
        ("matches", "match ($a) { A => "),
        ("classes in classes", "new class { function f() { "),
        ("uses", "use A\\{"),
        ("heredocs", "<<<X\n"),
        ("template strings", "\"{$a"),
        ("enums", "enum "),
        ("extends", "class A extends "),
        ("foreaches", "foreach ($a as $b) "),
    ] {
        all.push((
            name,
            php(format!(
                "$a = $this{} $a->",
                piece.repeat(100_000 / piece.len().min(4))
            )),
        ));
    }
    for (name, text) in [
        ("an open string", "<?php $a = 'abc\\"),
        ("an open template", "<?php $a = \"abc {$b"),
        ("an open heredoc", "<?php $a = <<<X\n abc"),
        ("an open comment", "<?php $a->b(); /* abc"),
        ("an open doc comment", "<?php /** @var A"),
        ("an open attribute", "<?php #[A(1"),
        ("an open group", "<?php use A\\{B, C"),
        (
            "an open list of parameters",
            "<?php class A { function f(B $b, ?C",
        ),
        ("an open class", "<?php class A extends"),
        ("an open import", "<?php use"),
        ("an open trait rule", "<?php class A { use T { a as"),
        ("an open match", "<?php $a = match($b) { 1 =>"),
        ("half of a tag", "<?ph"),
        ("only a null byte", "\0"),
        ("nothing", ""),
    ] {
        all.push((name, text.to_owned()));
    }
    all
}

#[test]
fn facts_are_read_on_a_small_stack() {
    let read = || {
        for (name, text) in hostile() {
            let facts = fimd::php::facts(&text);
            let inside = |span: fimd::php::Span| text.get(span.range()).is_some();
            let mut names = facts.references.iter().map(|reference| reference.name());
            assert!(names.all(inside), "{name}");
            let mut bodies = facts.classes.iter().map(|class| class.body);
            assert!(bodies.all(inside), "{name}");
        }
        let (_, large) = &hostile()[0];
        let large = large.repeat((5 << 20) / large.len() + 1);
        assert!(fimd::php::facts(&large).classes.len() > 10_000);
    };
    let reader = std::thread::Builder::new()
        .stack_size(256 << 10)
        .spawn(read);
    reader.unwrap().join().unwrap();
}

#[test]
fn every_buffer_is_answered_wherever_the_cursor_is() {
    let hostile = hostile();
    let files: Vec<(String, &str)> = hostile
        .iter()
        .enumerate()
        .map(|(n, (_, text))| (format!("src/f{n}.php"), &**text))
        .collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (&**path, *text)).collect();
    let project = Project::new(&files);
    let mut client = Client::start(&mut fimd());
    let mut ask = |method: &str, params: Value| -> Value {
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        client.send(format!("{request}\n"));
        serde_json::from_str(&client.answer()).unwrap()
    };
    let opened = ask(
        "initialize",
        json!({"project_root": project.path(), "bm25": true}),
    );
    assert_eq!(opened["result"]["file_count"], files.len(), "{opened}");
    let large = hostile[0].1.repeat((5 << 20) / hostile[0].1.len());
    for (name, text) in hostile.iter().chain([&("five megabytes", large)]) {
        for cursor in [0, text.len() / 2, text.len()] {
            let params =
                json!({"filepath": "src/new.php", "content": text, "cursor_offset": cursor});
            let answer = ask("getContext", params);
            assert!(answer["result"]["context"].is_string(), "{name}: {answer}");
        }
    }
    assert_eq!(client.close().code, Some(0));
}

#[test]
fn a_dataset_is_made_of_whatever_can_be_parsed() {
    let hostile = hostile();
    let files: Vec<(String, &str)> = hostile
        .iter()
        .enumerate()
        // Parsing all of it without optimisation takes minutes. The start of
        // each text is as deep as any stack.
        .map(|(n, (_, text))| (format!("src/f{n}.php"), &text[..text.len().min(16 << 10)]))
        .collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (&**path, *text)).collect();
    let project = Project::new(&files);
    let output = project.path().join("data");
    let run = fimd()
        .arg("generate")
        .arg(project.path())
        .arg("--output")
        .arg(&output)
        .output()
        .unwrap();
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
    assert!(output.join("metadata.json").is_file());
}

/// Pieces of code that open something, or lead on to something, and may stand behind
/// one another.
const PIECES: [&str; 96] = [
    "$",
    "$$a ",
    "${",
    "${$",
    "!",
    "- ",
    "+ ",
    "~",
    "@",
    "& ",
    "...",
    "new ",
    "new class{",
    "clone ",
    "(int)",
    "(",
    "[",
    "{",
    "#[",
    "#[A]",
    "#[A(1)] ",
    "fn() => ",
    "fn($a = ",
    "function ",
    "function(){",
    "static ",
    "static fn() => ",
    "match(",
    "match(1){1=>",
    "isset(",
    "empty(",
    "exit(",
    "eval(",
    "list(",
    "list($a, ",
    "array(",
    "if ",
    "if(",
    "if(1) ",
    "if(1){",
    "else if(1) ",
    "elseif(1) ",
    "while(1) ",
    "for(;;) ",
    "foreach($a as $b) ",
    "do ",
    "switch(1){case 1: ",
    "try{",
    "finally{",
    "return ",
    "throw ",
    "yield ",
    "yield from ",
    "print ",
    "include ",
    "use A\\{",
    "namespace A; ",
    "class A{",
    "class A extends B ",
    "enum E: ",
    "abstract ",
    "function f(){",
    "function f(A ",
    "->",
    "?->",
    "::",
    "->b()",
    "->b(",
    "::b(",
    "$a[",
    "$a = ",
    "$a . ",
    "$a ? ",
    "$a ? $b : ",
    "$a ?? ",
    "$a && ",
    "!$a && ",
    "$a instanceof ",
    "$a |> ",
    "\"{$a[",
    "<<<E\n",
    "`{$a",
    "/** @param A<",
    "/** @var array{a: ",
    "?>",
    "<?= ",
    "A|",
    "(A&",
    "A\\",
    "declare(ticks=1) ",
    "=> ",
    "[$a => [",
    "and ",
    "public $a { get { ",
    "{{ ",
    "\u{e4}",
];

/// The piece fills the part of a buffer that is read around the cursor.
#[test]
fn every_piece_is_read_however_often_it_stands_in_a_row() {
    let class = "<?php namespace N; class A { public A $c; public function b(): static {} }";
    let project = Project::new(&[("A.php", class)]);
    let mut client = Client::start(&mut fimd());
    let mut ask = |method: &str, params: Value| -> Value {
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        client.send(format!("{request}\n"));
        serde_json::from_str(&client.answer()).unwrap()
    };
    ask("initialize", json!({"project_root": project.path()}));
    let surroundings = [
        "<?php function f(A $a) { $x = ",
        "<?php class X { public function f(): A { ",
        "<?php class X { ",
        "<?php foreach ($p as [",
    ];
    for before in surroundings {
        for piece in PIECES {
            let typed = format!("{before}{}$a->", piece.repeat((16 << 10) / piece.len()));
            let params =
                json!({"filepath": "new.php", "content": typed, "cursor_offset": typed.len()});
            let answer = ask("getContext", params);
            assert!(
                answer["result"]["context"].is_string(),
                "{before}{piece}: {answer}"
            );
        }
    }
    assert_eq!(client.close().code, Some(0));
}
