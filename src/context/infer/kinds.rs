//! The tests that PHP's functions `is_…` make.

use super::types::Atom;

/// Whether a value passes a test, as far as that is known.
type Test = fn(&Atom) -> Option<bool>;

/// The test that PHP's function `name` makes.
pub(super) fn kind_test(name: &str) -> Option<Test> {
    scalar_test(name).or_else(|| compound_test(name))
}

/// Whether an atom passes, which is unknown for what may be anything.
fn known(atom: &Atom, is: bool) -> Option<bool> {
    (!matches!(atom, Atom::Mixed)).then_some(is)
}

fn scalar_test(name: &str) -> Option<Test> {
    Some(match name {
        "is_string" => |atom| known(atom, matches!(atom, Atom::String(_) | Atom::ClassString(_))),
        "is_int" | "is_integer" | "is_long" => |atom| known(atom, matches!(atom, Atom::Int(_))),
        "is_float" | "is_double" => |atom| known(atom, matches!(atom, Atom::Float)),
        "is_bool" | "is_boolean" => |atom| known(atom, matches!(atom, Atom::Bool(_))),
        "is_resource" => |atom| known(atom, matches!(atom, Atom::Resource)),
        "is_numeric" => |atom| match atom {
            Atom::String(_) => None,
            _ => known(atom, matches!(atom, Atom::Int(_) | Atom::Float)),
        },
        "is_scalar" => |atom| match atom {
            Atom::Int(_) | Atom::Float | Atom::String(_) | Atom::Bool(_) | Atom::ClassString(_) => {
                Some(true)
            }
            _ => known(atom, false),
        },
        _ => return None,
    })
}

fn compound_test(name: &str) -> Option<Test> {
    Some(match name {
        "is_array" => |atom| match atom {
            Atom::Array(array) if array.is_iterable => None,
            Atom::Callable(_) => None,
            _ => known(atom, matches!(atom, Atom::Array(_))),
        },
        "is_iterable" | "is_countable" => |atom| match atom {
            Atom::Class(_) | Atom::All(_) | Atom::Object => None,
            _ => known(atom, matches!(atom, Atom::Array(_))),
        },
        "is_object" => |atom| match atom {
            Atom::Callable(callable) => callable.is_closure.then_some(true),
            Atom::Array(array) if array.is_iterable => None,
            Atom::Class(_) | Atom::All(_) | Atom::Object | Atom::Shape(_) => Some(true),
            _ => known(atom, false),
        },
        "is_callable" => |atom| match atom {
            Atom::Class(_) | Atom::All(_) | Atom::Object | Atom::String(_) | Atom::Array(_) => None,
            _ => known(atom, matches!(atom, Atom::Callable(_))),
        },
        _ => return None,
    })
}
