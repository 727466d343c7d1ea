use super::*;

fn named(name: &str) -> TypeExpr {
    TypeExpr::Named(name.to_owned(), Vec::new())
}

#[track_caller]
fn is(text: &str, ty: TypeExpr) {
    assert_eq!(type_expr(text), Some(ty), "{text}");
}

#[test]
fn names_and_arrays_are_read_as_they_are_written() {
    is("A", named("A"));
    is("\\A\\B", named("\\A\\B"));
    is("Resource", named("Resource"));
    is("INT", TypeExpr::Scalar(Scalar::Int));
    is(
        "?A",
        TypeExpr::Union(vec![named("A"), TypeExpr::Scalar(Scalar::Null)]),
    );
    is(
        "A|B | C",
        TypeExpr::Union(vec![named("A"), named("B"), named("C")]),
    );
    is(
        "(A&B)",
        TypeExpr::Intersection(vec![named("A"), named("B")]),
    );
    is(
        "C<A, B>",
        TypeExpr::Named("C".to_owned(), vec![named("A"), named("B")]),
    );
    is(
        "static<A>",
        TypeExpr::Named("static".to_owned(), vec![named("A")]),
    );
    is("$this", TypeExpr::Variable("$this".to_owned()));
    is(
        "class-string<A>",
        TypeExpr::ClassString(Some(Box::new(named("A")))),
    );
    is("'a'", TypeExpr::String("a".to_owned()));
    is("-3", TypeExpr::Int(-3));
    is(
        "A[]",
        TypeExpr::Array {
            kind: ArrayKind::List,
            key: None,
            value: Some(Box::new(named("A"))),
        },
    );
    is(
        "A::B_*",
        TypeExpr::Constant("A".to_owned(), "B_*".to_owned()),
    );
}

#[test]
fn shapes_callables_and_conditions_are_read_as_they_are_written() {
    let field = |key: &str, is_optional| ShapeField {
        key: key.to_owned(),
        ty: named("A"),
        is_optional,
    };
    is(
        "array{k: A, 'l'?: A, 5: A}",
        TypeExpr::Shape(vec![field("k", false), field("l", true), field("5", false)]),
    );
    is(
        "list{A, A}",
        TypeExpr::Shape(vec![field("0", false), field("1", false)]),
    );
    is(
        "object{k: A}",
        TypeExpr::ObjectShape(vec![field("k", false)]),
    );
    is(
        "callable(A, B...): C",
        TypeExpr::Callable {
            params: vec![named("A"), named("B")],
            result: Some(Box::new(named("C"))),
            is_closure: false,
        },
    );
    is(
        "($a is not A ? B : C)",
        TypeExpr::Conditional(Box::new(Conditional {
            subject: TypeExpr::Variable("$a".to_owned()),
            target: named("A"),
            then: named("C"),
            otherwise: named("B"),
        })),
    );
    is(
        "T[K]",
        TypeExpr::Index(Box::new(named("T")), Box::new(named("K"))),
    );
}

#[test]
fn types_beyond_the_bounds_are_unknown() {
    assert_eq!(type_expr(&"array<".repeat(5000)), None);
    assert_eq!(type_expr(&"A[]|".repeat(5000)), None);
    assert_eq!(type_expr(&"(".repeat(50_000)), None);
    assert_eq!(type_expr(&"?".repeat(50_000)), None);
    let deepest = format!("{}A{}", "array<".repeat(10), ">".repeat(10));
    assert!(type_expr(&deepest).is_some());
    assert!(type_expr(&format!("A{}", "[]|A".repeat(24))).is_some());
    assert!(type_expr(&format!("A{}", "[]".repeat(48))).is_some());
    assert!(type_expr(&format!("{}A", "?".repeat(12))).is_some());
    let Some(TypeExpr::Union(members)) = type_expr(&format!("A{}", "|A".repeat(5000))) else {
        panic!("a union of words is read");
    };
    assert_eq!(members.len(), 256);
}

#[test]
fn a_type_ends_at_a_blank_outside_of_brackets() {
    let end = |text: &'static str| &text[..type_end(text)];
    assert_eq!(end("A|null $x"), "A|null");
    assert_eq!(end("A | B $x"), "A | B");
    assert_eq!(end("A & B the"), "A & B");
    assert_eq!(end("A &$x"), "A");
    assert_eq!(end("array<int, A> $x"), "array<int, A>");
    assert_eq!(end("callable(A): B $x"), "callable(A): B");
    assert_eq!(end("(A is B ? C : D) text"), "(A is B ? C : D)");
    assert_eq!(end("'a b'|A x"), "'a b'|A");
    assert_eq!(end("A"), "A");
}
