//! What the container makes: by a class, by a name that Laravel or a provider
//! of the project binds; and the user who is logged in.

use super::{is_a, object_of};
use crate::context::infer::eval::Args;
use crate::context::infer::framework::MethodCall;
use crate::context::infer::inference::Inference;
use crate::context::infer::limits::{BINDING_TOKENS, BINDINGS};
use crate::context::infer::types::{Atom, ClassType, Type};
use crate::php::lex::{LexMode, TokenKind, lex_from};
use crate::php::names::Scope;
use crate::php::{MemberKind, place_hash};

/// The application, which is the container.
const APPLICATION: &str = "Illuminate\\Foundation\\Application";
/// Classes whose `make` and `get` ask the container.
const CONTAINERS: [&str; 3] = [
    "Illuminate\\Contracts\\Container\\Container",
    "Psr\\Container\\ContainerInterface",
    "Illuminate\\Support\\Facades\\App",
];
/// Classes whose `user` is the user who is logged in.
const GUARDS: [&str; 5] = [
    "Illuminate\\Contracts\\Auth\\Factory",
    "Illuminate\\Contracts\\Auth\\Guard",
    "Illuminate\\Support\\Facades\\Auth",
    "Illuminate\\Support\\Facades\\Request",
    "Illuminate\\Http\\Request",
];
/// The classes of users in new applications, the newest first.
const USERS: [&str; 2] = ["App\\Models\\User", "App\\User"];

/// What a function gives.
pub(super) fn function<'a>(inference: &Inference<'a>, name: &str, args: Args<'_, '_, 'a>) -> Type {
    match name {
        "app" | "resolve" => made(inference, args),
        // The value itself takes the calls.
        "optional" | "tap" if args.list.len() == 1 => {
            args.ty(0, "").unwrap_or_default().without_null()
        }
        _ => Type::default(),
    }
}

/// What a method of the container or of a guard returns.
pub(super) fn method<'a>(inference: &Inference<'a>, call: &MethodCall<'_, '_, 'a>) -> Type {
    let is_one_of = |classes: &[&str]| {
        let mut classes = classes.iter();
        classes.any(|class| is_a(inference, call.object, class))
    };
    match &*call.name.to_ascii_lowercase() {
        "make" | "makewith" | "get" | "build" if is_one_of(&CONTAINERS) => {
            made(inference, call.args)
        }
        "user" | "authenticate" if is_one_of(&GUARDS) => user(inference),
        _ => Type::default(),
    }
}

/// What the container makes for the first argument.
fn made<'a>(inference: &Inference<'a>, args: Args<'_, '_, 'a>) -> Type {
    let asked = args.ty(0, "").unwrap_or_default();
    match asked.members() {
        [Atom::ClassString(_)] => inference.instance(&asked),
        [Atom::String(Some(name))] => named(inference, name),
        _ => Type::default(),
    }
}

/// The object that the container knows as `name`.
pub(super) fn named(inference: &Inference<'_>, name: &str) -> Type {
    if inference.class(name).is_some() {
        return Type::class(name);
    }
    core_alias(inference, name).or_else(|| bound(inference, name))
}

/// The class that Laravel itself binds to `name`: the application has a table
/// of them.
fn core_alias(inference: &Inference<'_>, name: &str) -> Type {
    let found = || {
        let class = inference.class(APPLICATION)?;
        let members = inference.members(class);
        let (owner, member) = members.find(MemberKind::Method, "registerCoreContainerAliases")?;
        let body = owner.class().members[member];
        let body = &owner.text[body.head.end as usize..body.end as usize];
        let (_, behind) = body.split_once(&format!("'{name}' => ["))?;
        let (first, _) = behind.split_once("::class")?;
        match first.trim() {
            "self" => Some(Type::class(APPLICATION)),
            first => Some(Type::of_class(owner.scope().class(first))),
        }
    };
    found().unwrap_or_default()
}

/// The class that a provider of the project binds to `name`: the first that is
/// named behind it.
fn bound(inference: &Inference<'_>, name: &str) -> Type {
    let buffer = inference.buffer;
    let places = ["singleton#0", "bind#0", "scoped#0", "instance#0", "alias#1"];
    let mut nearest: Option<(&str, usize, ClassType)> = None;
    for place in places {
        let found = inference.snapshot.literals_at(place_hash(place), BINDINGS);
        for (file, text) in found.filter(|(file, text)| *text == name && *file.path != *buffer.path)
        {
            let at = text.as_ptr().addr() - file.text.as_ptr().addr();
            let is_nearer = nearest
                .as_ref()
                .is_none_or(|(path, first, _)| (&*file.path, at) < (*path, *first));
            if !is_nearer {
                continue;
            }
            let scope = Scope::at(&file.facts, &file.text, at);
            if let Some(class) = class_behind(&file.text, at + text.len() + 1, &scope) {
                nearest = Some((&file.path, at, ClassType::new(&class)));
            }
        }
    }
    nearest.map_or_else(Type::default, |(.., class)| object_of(&class))
}

/// The first class that the code from byte `at` on makes with `new` or names
/// with `::class`.
fn class_behind(text: &str, at: usize, scope: &Scope<'_>) -> Option<String> {
    let end = text.floor_char_boundary((at + BINDING_TOKENS * 8).min(text.len()));
    let tokens = lex_from(&text[..end], at, LexMode::Code);
    let tokens = &tokens[..tokens.len().min(BINDING_TOKENS)];
    let class = tokens.windows(3).find_map(|three| match three[0].kind {
        TokenKind::New if three[1].is_word() => Some(three[1]),
        _ if three[0].is_word()
            && three[1].kind == TokenKind::DoubleColon
            && three[2].span.of(text).eq_ignore_ascii_case("class") =>
        {
            Some(three[0])
        }
        _ => None,
    })?;
    scope.class(class.span.of(text))
}

/// An object of the class of users: the one that `config/auth.php` names.
fn user(inference: &Inference<'_>) -> Type {
    let config = inference.snapshot.file("config/auth.php");
    let configured = config
        .filter(|file| *file.path != *inference.buffer.path)
        .and_then(|file| {
            let at = file.text.find("'model'")?;
            let scope = Scope::at(&file.facts, &file.text, at);
            class_behind(&file.text, at + "'model'".len(), &scope)
        });
    let known = USERS.iter().find(|name| inference.class(name).is_some());
    Type::of_class(configured.or_else(|| known.map(|name| (*name).to_owned())))
}
