//! Types as values: what an expression may be.

use std::rc::Rc;

use super::limits::TYPE_MEMBERS;

/// What a value may be: one of several members. Without members nothing is
/// known of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::context) struct Type {
    members: Vec<Atom>,
}

/// A template's name with the type that stands for it.
pub(super) type TemplateBinding = (String, Type);

/// One member of a [`Type`].
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Atom {
    /// Anything.
    Mixed,
    /// `null`, also of a call that returns nothing.
    Null,
    /// The call does not return.
    Never,
    /// A boolean, with its value if that is known.
    Bool(Option<bool>),
    /// An integer, with its value if that is known.
    Int(Option<i64>),
    /// A float.
    Float,
    /// A string, with its value if that is known.
    String(Option<Rc<str>>),
    /// A resource.
    Resource,
    /// An object of an unknown class.
    Object,
    /// An object of a class.
    Class(ClassType),
    /// An object that is of each of these at once.
    All(Rc<[ClassType]>),
    /// An array, a list or an iterable.
    Array(Rc<ArrayType>),
    /// An object with known properties and no class.
    Shape(Rc<[Field]>),
    /// A function.
    Callable(Rc<CallableType>),
    /// The name of a class that is one of these.
    ClassString(Box<Type>),
}

/// A class with its template arguments.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ClassType {
    /// The fully qualified name.
    pub(super) name: Rc<str>,
    /// What the class's templates stand for, as far as it is known.
    pub(super) args: Rc<[Type]>,
    /// The case of an enum, if it is known.
    pub(super) case: Option<Rc<str>>,
}

/// What is known of the keys and values of an array.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ArrayType {
    pub(super) key: Type,
    pub(super) value: Type,
    /// The elements whose keys are known.
    pub(super) fields: Vec<Field>,
    /// Whether it may also be an object that can be iterated.
    pub(super) is_iterable: bool,
}

/// An element of an array or a property of an object.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Field {
    pub(super) key: Rc<str>,
    pub(super) ty: Type,
}

/// The parameters and the result of a function.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct CallableType {
    pub(super) params: Vec<Type>,
    pub(super) result: Type,
    /// Whether it is an object of `Closure`.
    pub(super) is_closure: bool,
    /// The function's name, for one of PHP's or of a project.
    pub(super) function: Option<Rc<str>>,
}

impl ClassType {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            args: Rc::new([]),
            case: None,
        }
    }

    /// The same class with these template arguments.
    pub(super) fn with(self, args: Vec<Type>) -> Self {
        Self {
            args: args.into(),
            ..self
        }
    }
}

impl Atom {
    /// The object's classes.
    pub(super) fn classes(&self) -> &[ClassType] {
        match self {
            Self::Class(class) => std::slice::from_ref(class),
            Self::All(classes) => classes,
            _ => &[],
        }
    }

    /// Whether the member may be an object, an array or something else that
    /// leads to one.
    fn leads_on(&self) -> bool {
        match self {
            Self::Class(_) | Self::All(_) | Self::Shape(_) => true,
            Self::Array(array) => {
                array.value.leads_on() || array.fields.iter().any(|field| field.ty.leads_on())
            }
            Self::Callable(callable) => {
                callable.result.leads_on() || callable.params.iter().any(Type::leads_on)
            }
            Self::ClassString(of) => of.leads_on(),
            _ => false,
        }
    }
}

impl From<Atom> for Type {
    fn from(atom: Atom) -> Self {
        Self {
            members: vec![atom],
        }
    }
}

impl Type {
    /// An object of the class with the fully qualified name `name`.
    pub(super) fn class(name: &str) -> Self {
        Atom::Class(ClassType::new(name)).into()
    }

    /// An object of the class called `name`; unknown without a name.
    pub(super) fn of_class(name: Option<String>) -> Self {
        name.map_or_else(Self::default, |name| Self::class(&name))
    }

    /// What the value may be.
    pub(super) fn members(&self) -> &[Atom] {
        &self.members
    }

    /// Whether nothing is known.
    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Whether an object or something that holds one is known.
    pub(super) fn leads_on(&self) -> bool {
        self.members.iter().any(Atom::leads_on)
    }

    /// Whether the value is never there: a call that does not return.
    pub(super) fn is_never(&self) -> bool {
        self.members == [Atom::Never]
    }

    /// The classes of the objects that the value may be.
    pub(super) fn classes(&self) -> impl Iterator<Item = &ClassType> {
        self.members.iter().flat_map(Atom::classes)
    }

    /// Adds one more thing that the value may be.
    pub(super) fn push(&mut self, atom: Atom) {
        if atom == Atom::Never && !self.members.is_empty() {
            return;
        }
        if self.members == [Atom::Never] {
            self.members.clear();
        }
        // One array type holds all that is known of arrays.
        if let Atom::Array(new) = &atom {
            let own = self.members.iter_mut().find_map(|own| match own {
                Atom::Array(own) => Some(own),
                _ => None,
            });
            if let Some(own) = own {
                if own != new {
                    *own = Rc::new(joined(own, new));
                }
                return;
            }
        }
        if self.members.len() < TYPE_MEMBERS && !self.members.contains(&atom) {
            self.members.push(atom);
        }
    }

    /// Adds what else the value may be.
    pub(super) fn add(&mut self, other: Self) {
        for atom in other.members {
            self.push(atom);
        }
    }

    /// This type and what else it may be.
    pub(super) fn or(mut self, other: Self) -> Self {
        self.add(other);
        self
    }

    /// A list of values of this type.
    pub(super) fn into_list(self) -> Self {
        Self::array(Atom::Int(None).into(), self)
    }

    /// An array with keys and values of these types.
    pub(super) fn array(key: Self, value: Self) -> Self {
        let array = ArrayType {
            key,
            value,
            ..ArrayType::default()
        };
        Atom::Array(Rc::new(array)).into()
    }

    /// This type if anything is known of it, else `other`.
    pub(super) fn or_else(self, other: impl FnOnce() -> Self) -> Self {
        if self.is_empty() { other() } else { self }
    }

    /// This type if it leads to objects, else `other`, else this type.
    pub(super) fn or_better(self, other: impl FnOnce() -> Self) -> Self {
        if self.leads_on() {
            return self;
        }
        let other = other();
        if other.is_empty() || !other.leads_on() && !self.is_empty() {
            self
        } else {
            other
        }
    }

    /// The members for which `keep` is true.
    pub(super) fn filter(&self, keep: impl FnMut(&Atom) -> bool) -> Self {
        let mut keep = keep;
        let members = self.members.iter().filter(|atom| keep(atom));
        Self {
            members: members.cloned().collect(),
        }
    }

    /// The type without `null`.
    pub(super) fn without_null(&self) -> Self {
        self.filter(|atom| *atom != Atom::Null)
    }

    /// The one value that the type allows, as an array's key.
    pub(super) fn key(&self) -> Option<Rc<str>> {
        match &*self.members {
            [Atom::Int(Some(int))] => Some(int.to_string().into()),
            [Atom::String(Some(text))] => Some(text.clone()),
            [Atom::ClassString(of)] => match &*of.members {
                [Atom::Class(class)] => Some(class.name.clone()),
                _ => None,
            },
            _ => None,
        }
    }
}

impl ArrayType {
    /// The type of the element with the key `key`, or of any element.
    pub(super) fn element(&self, key: Option<&str>) -> Type {
        let field = key.and_then(|key| self.fields.iter().find(|field| &*field.key == key));
        match field {
            Some(field) => field.ty.clone(),
            None if key.is_some() && !self.value.is_empty() => self.value.clone(),
            None => self.any(),
        }
    }

    /// The type of any element.
    pub(super) fn any(&self) -> Type {
        let mut all = self.value.clone();
        for field in &self.fields {
            all.add(field.ty.clone());
        }
        all
    }

    /// The type of the keys.
    pub(super) fn keys(&self) -> Type {
        let mut all = self.key.clone();
        for field in &self.fields {
            let key = match field.key.parse() {
                Ok(int) => Atom::Int(Some(int)),
                Err(_) => Atom::String(Some(field.key.clone())),
            };
            all.push(key);
        }
        all
    }

    /// The array with `ty` as its element with the key `key`.
    pub(super) fn with(&self, key: Option<Rc<str>>, ty: Type) -> Self {
        let mut array = self.clone();
        let is_full = array.fields.len() >= TYPE_MEMBERS;
        match key {
            None => array.value.add(ty),
            Some(key) => match array.fields.iter_mut().find(|field| field.key == key) {
                Some(field) => field.ty = ty,
                None if !is_full => array.fields.push(Field { key, ty }),
                None => array.value.add(ty),
            },
        }
        array
    }
}

/// What is known of a value that is one of two arrays.
fn joined(a: &ArrayType, b: &ArrayType) -> ArrayType {
    let mut all = a.clone();
    all.key.add(b.key.clone());
    all.value.add(b.value.clone());
    all.is_iterable |= b.is_iterable;
    for field in &b.fields {
        let is_full = all.fields.len() >= TYPE_MEMBERS;
        match all.fields.iter_mut().find(|own| own.key == field.key) {
            Some(own) => own.ty.add(field.ty.clone()),
            None if !is_full => all.fields.push(field.clone()),
            None => all.value.add(field.ty.clone()),
        }
    }
    all
}
