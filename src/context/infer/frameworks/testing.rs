//! PHPUnit, Mockery, Prophecy and Pest: the doubles of a class, and `$this` in the
//! closures of Pest.

use crate::context::infer::framework::{ConventionalMember, Framework, MethodCall, ProjectSigns};
use crate::context::infer::inference::Inference;
use crate::context::infer::types::{Atom, ClassType, Type};
use crate::php::names::Scope;
use crate::php::{MemberKind, Visibility};

/// The class of PHPUnit's tests.
const TEST_CASE: &str = "PHPUnit\\Framework\\TestCase";
/// The methods of a test that double a class, with the interfaces of the double.
const DOUBLES: [(&str, &str); 6] = [
    (
        "createconfiguredmock",
        "PHPUnit\\Framework\\MockObject\\MockObject",
    ),
    (
        "createconfiguredstub",
        "PHPUnit\\Framework\\MockObject\\Stub",
    ),
    ("createmock", "PHPUnit\\Framework\\MockObject\\MockObject"),
    (
        "createpartialmock",
        "PHPUnit\\Framework\\MockObject\\MockObject",
    ),
    ("createstub", "PHPUnit\\Framework\\MockObject\\Stub"),
    (
        "getmockforabstractclass",
        "PHPUnit\\Framework\\MockObject\\MockObject",
    ),
];
/// Prophecy's double before `reveal()`. Its one argument is the class.
const PROPHECY: &str = "Prophecy\\Prophecy\\ObjectProphecy";
/// What a method of that double gives.
const METHOD_PROPHECY: &str = "Prophecy\\Prophecy\\MethodProphecy";
/// The functions of Pest whose closures are methods of a test.
const PEST: [&str; 7] = [
    "aftereach",
    "beforeeach",
    "it",
    "test",
    "todo",
    "arch",
    "dataset",
];
/// Pest's file of settings.
const PEST_FILE: &str = "tests/Pest.php";

pub(super) struct Testing;

impl Framework for Testing {
    fn applies(&self, project: &ProjectSigns<'_, '_>) -> bool {
        let packages = [
            "phpunit/phpunit",
            "pestphp/pest",
            "mockery/mockery",
            "phpspec/prophecy",
        ];
        packages.iter().any(|package| project.requires(package)) || project.knows_class(TEST_CASE)
    }

    fn members<'a>(
        &self,
        inference: &'a Inference<'a>,
        object: &ClassType,
    ) -> Vec<ConventionalMember<'a>> {
        let mut all = Vec::new();
        if inference.is_a(&object.name, PROPHECY) != Some(true) {
            return all;
        }
        // A prophecy takes the calls of its class's methods.
        for of in object.args.iter().flat_map(Type::classes) {
            let Some(class) = inference.class(&of.name) else {
                continue;
            };
            let members = inference.members(class);
            let methods = members.all().filter(|&(owner, index)| {
                owner.class().members[index].kind == MemberKind::Method
                    && members.visibility(owner, index) == Visibility::Public
            });
            all.extend(methods.map(|(owner, index)| ConventionalMember::Declared(owner, index)));
        }
        all
    }

    fn method<'a>(&self, inference: &Inference<'a>, call: &MethodCall<'_, '_, 'a>) -> Type {
        let name = call.name.to_ascii_lowercase();
        let first = || inference.instance(&call.args.ty(0, "").unwrap_or_default());
        if let Some((_, double)) = DOUBLES.iter().find(|(method, _)| *method == name) {
            let is_test = inference.is_a(&call.object.name, TEST_CASE) == Some(true);
            return if is_test {
                both(&first(), double)
            } else {
                Type::default()
            };
        }
        match &*name {
            "prophesize" => {
                let of = first();
                if of.is_empty() {
                    return of;
                }
                Atom::Class(ClassType::new(PROPHECY).with(vec![of])).into()
            }
            "mock" | "spy" | "namedmock" if call.object.name.eq_ignore_ascii_case("Mockery") => {
                both(&first(), "Mockery\\MockInterface")
            }
            _ => prophesied(inference, call, &name),
        }
    }

    fn closure_this(&self, inference: &Inference<'_>, name: &str) -> Type {
        if !PEST
            .iter()
            .any(|function| name.eq_ignore_ascii_case(function))
        {
            return Type::default();
        }
        test_case(inference)
    }
}

/// An object that is of the class of `of` and of `double` at once.
fn both(of: &Type, double: &str) -> Type {
    let mut classes: Vec<ClassType> = of.classes().cloned().collect();
    if classes.is_empty() {
        return Type::default();
    }
    classes.push(ClassType::new(double));
    Atom::All(classes.into()).into()
}

/// What the method of a prophecy gives: the double itself, or the prophecy of a method
/// of the class.
fn prophesied(inference: &Inference<'_>, call: &MethodCall<'_, '_, '_>, name: &str) -> Type {
    if inference.is_a(&call.object.name, PROPHECY) != Some(true) {
        return Type::default();
    }
    let Some(of) = call.object.args.first() else {
        return Type::default();
    };
    if name == "reveal" {
        return of.clone();
    }
    let is_of_class = of
        .classes()
        .any(|class| inference.find_method(class, name).is_some());
    match is_of_class {
        true => Type::class(METHOD_PROPHECY),
        false => Type::default(),
    }
}

/// The class of the tests of the buffer, and the traits that it uses, as Pest's file
/// and the buffer itself state them.
fn test_case(inference: &Inference<'_>) -> Type {
    let buffer = inference.buffer;
    let mut classes: Vec<ClassType> = Vec::new();
    let file = inference
        .snapshot
        .file(PEST_FILE)
        .filter(|_| buffer.path != PEST_FILE);
    let settings = file.map(|file| {
        let scope = Scope::at(&file.facts, &file.text, file.text.len());
        (&*file.text, scope, true)
    });
    let own = (buffer.content, buffer.scope(), false);
    for (text, scope, is_settings) in settings.into_iter().chain([own]) {
        for statement in text.split(';') {
            let is_use = ["uses(", "extend(", "extends(", "->use("];
            if !is_use.iter().any(|call| statement.contains(call)) {
                continue;
            }
            if is_settings && !is_in(buffer.path, statement) {
                continue;
            }
            let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '\\');
            for (at, _) in statement.match_indices("::class") {
                let start = statement[..at]
                    .rfind(|c| !is_name(c))
                    .map_or(0, |at| at + 1);
                let name = statement.get(start..at).and_then(|name| scope.class(name));
                let known = name.filter(|name| inference.class(name).is_some());
                classes.extend(known.map(|name| ClassType::new(&name)));
            }
        }
    }
    let is_test = |class: &ClassType| inference.is_a(&class.name, TEST_CASE) == Some(true);
    if !classes.iter().any(is_test) {
        classes.push(ClassType::new(TEST_CASE));
    }
    classes.truncate(8);
    match &*classes {
        [class] => Atom::Class(class.clone()).into(),
        _ => Atom::All(classes.into()).into(),
    }
}

/// Whether a statement of Pest's file is about the file at `path`: it names no folder
/// with `in(…)`, or one that holds the file.
fn is_in(path: &str, statement: &str) -> bool {
    let Some((_, folders)) = statement.rsplit_once("->in(") else {
        return true;
    };
    let inside = path.strip_prefix("tests/").unwrap_or(path);
    let mut quoted = folders.split(['\'', '"']).skip(1).step_by(2);
    let is_all = !folders.contains(['\'', '"']);
    is_all
        || quoted.any(|folder| {
            let folder = folder.trim_matches('/').trim_start_matches("../tests/");
            folder == "."
                || inside
                    .strip_prefix(folder)
                    .is_some_and(|rest| rest.starts_with('/') || rest.is_empty())
        })
}
