//! The elements and keys of values that are iterated or indexed.

use std::rc::Rc;

use super::class_lookup::BUILTIN_PATH;
use super::eval::Args;
use super::inference::Inference;
use super::types::{ArrayType, Atom, ClassType, Type};

impl Inference<'_> {
    /// The type of what an iteration over a value of type `ty` gives.
    pub(super) fn element(&self, ty: &Type) -> Type {
        self.iterated(ty, ArrayType::any, |args| args.last().cloned(), "current")
    }

    /// The type of the keys of an iteration.
    pub(super) fn iterated_key(&self, ty: &Type) -> Type {
        let first = |args: &[Type]| (args.len() > 1).then(|| args[0].clone());
        self.iterated(ty, ArrayType::keys, first, "key")
    }

    fn iterated(
        &self,
        ty: &Type,
        of_array: impl Fn(&ArrayType) -> Type + Copy,
        of_args: impl Fn(&[Type]) -> Option<Type> + Copy,
        method: &str,
    ) -> Type {
        let mut all = Type::default();
        for atom in ty.members() {
            match atom {
                Atom::Array(array) => all.add(of_array(array)),
                _ => {
                    for class in atom.classes() {
                        let found = self.iterated_class(class, of_array, of_args, method);
                        let is_found = !found.is_empty();
                        all.add(found);
                        if is_found {
                            break;
                        }
                    }
                }
            }
        }
        all
    }

    fn iterated_class(
        &self,
        class: &ClassType,
        of_array: impl Fn(&ArrayType) -> Type + Copy,
        of_args: impl Fn(&[Type]) -> Option<Type> + Copy,
        method: &str,
    ) -> Type {
        let this: Type = Atom::Class(class.clone()).into();
        let stated = self
            .args_of(class, "Traversable")
            .and_then(|args| of_args(&args));
        if let Some(stated) = stated.filter(|ty| !ty.is_empty()) {
            return stated;
        }
        let is_own = |name: &str| {
            self.find_method(class, name).is_some_and(|function| {
                function
                    .class
                    .is_some_and(|class| class.path != BUILTIN_PATH)
            })
        };
        if is_own(method) {
            let ty = self.method(&this, method, Args::NONE);
            if !ty.is_empty() {
                return ty;
            }
        }
        if is_own("getIterator") {
            let iterator = self.method(&this, "getIterator", Args::NONE);
            let found = self.deeper(|| self.iterated(&iterator, of_array, of_args, method));
            if let Some(found) = found.filter(|ty| !ty.is_empty()) {
                return found;
            }
        }
        of_args(&class.args).unwrap_or_default()
    }

    /// The type of the element of `ty` with the key `key`, or of any element.
    pub(super) fn element_at(&self, ty: &Type, key: Option<&str>) -> Type {
        let mut all = Type::default();
        for atom in ty.members() {
            match atom {
                Atom::Array(array) => all.add(array.element(key)),
                Atom::Shape(fields) => {
                    let field = fields.iter().find(|field| Some(&*field.key) == key);
                    all.add(field.map(|field| field.ty.clone()).unwrap_or_default());
                }
                Atom::String(_) => all.push(Atom::String(None)),
                _ => {
                    for class in atom.classes() {
                        all.add(self.offset(class));
                    }
                }
            }
        }
        all
    }

    /// What `[…]` behind an object gives.
    fn offset(&self, class: &ClassType) -> Type {
        let stated = self
            .args_of(class, "ArrayAccess")
            .and_then(|args| args.get(1).cloned());
        if let Some(stated) = stated.filter(|ty| !ty.is_empty()) {
            return stated;
        }
        let this: Type = Atom::Class(class.clone()).into();
        let got = self.method(&this, "offsetGet", Args::NONE);
        if got.leads_on() {
            got
        } else {
            self.element(&this)
        }
    }

    /// A generator of these keys and values that returns `result`.
    pub(super) fn generator(&self, key: Type, value: Type, result: Type) -> Type {
        let class = ClassType::new("Generator").with(vec![key, value, Type::default(), result]);
        Atom::Class(class).into()
    }

    /// What is both of type `a` and of type `b`.
    pub(super) fn both(&self, a: &Type, b: &Type) -> Type {
        if a.is_empty() || *a == Type::from(Atom::Mixed) {
            return b.clone();
        }
        if b.is_empty() {
            return a.clone();
        }
        let mut all = Type::default();
        for left in a.members() {
            for right in b.members() {
                if let Some(atom) = self.both_atoms(left, right) {
                    all.push(atom);
                }
            }
        }
        all
    }

    /// What is both `a` and `b`, if anything can be.
    pub(super) fn both_atoms(&self, a: &Atom, b: &Atom) -> Option<Atom> {
        match (a, b) {
            (Atom::Mixed, other) | (other, Atom::Mixed) => Some(other.clone()),
            (Atom::Object, Atom::Class(_) | Atom::All(_) | Atom::Shape(_)) => Some(b.clone()),
            (Atom::Class(_) | Atom::All(_) | Atom::Shape(_), Atom::Object) => Some(a.clone()),
            (Atom::Callable(_), Atom::Class(class)) if &*class.name == "Closure" => Some(a.clone()),
            (Atom::Array(array), Atom::Class(_)) if array.is_iterable => {
                Some(self.iterable_object(array, b))
            }
            (Atom::Class(_), Atom::Array(array)) if array.is_iterable => {
                Some(self.iterable_object(array, a))
            }
            _ if a.classes().is_empty() || b.classes().is_empty() => (a == b).then(|| a.clone()),
            _ => self.both_objects(a, b),
        }
    }

    /// An object of the class `object` that is iterated like `array`.
    fn iterable_object(&self, array: &ArrayType, object: &Atom) -> Atom {
        let Atom::Class(class) = object else {
            return object.clone();
        };
        if class.args.is_empty() && !array.value.is_empty() {
            return Atom::Class(
                class
                    .clone()
                    .with(vec![array.key.clone(), array.value.clone()]),
            );
        }
        object.clone()
    }

    fn both_objects(&self, a: &Atom, b: &Atom) -> Option<Atom> {
        let mut classes: Vec<ClassType> = a.classes().to_vec();
        for new in b.classes() {
            if classes
                .iter()
                .any(|own| self.is_a(&own.name, &new.name) == Some(true))
            {
                // The case of an enum says more than the enum.
                if let Some(own) = classes.iter_mut().find(|own| own.name == new.name)
                    && own.case.is_none()
                {
                    own.case.clone_from(&new.case);
                }
                continue;
            }
            if classes
                .iter()
                .any(|own| self.excludes(&own.name, &new.name))
            {
                return None;
            }
            // What is known of the parent's templates is known of the child's.
            let args = new.args.clone();
            classes.retain(|own| self.is_a(&new.name, &own.name) != Some(true));
            classes.push(ClassType {
                args,
                ..new.clone()
            });
        }
        match &*classes {
            [] => None,
            [one] => Some(Atom::Class(one.clone())),
            _ => Some(Atom::All(Rc::from(classes))),
        }
    }
}
