//! What a framework adds to PHP's rules: the one interface of `frameworks/`.
//!
//! A framework is a file of its own in `frameworks/` with a type that
//! implements [`Framework`], and a line in the list of `frameworks.rs`. It says
//! by [`Framework::applies`] which projects use it; the others pay nothing for
//! it. Every other method has a default that adds nothing. What a method tells
//! goes before what declarations tell, so it says nothing where these are right.
//!
//! A framework computes with the [`Inference`] that it gets:
//!
//! | to know | ask |
//! | --- | --- |
//! | whether a class inherits from another, even if neither is installed | `inference.is_a(name, parent)` |
//! | a class, its members | `inference.class(name)`, `inference.members(class)` |
//! | a method, what it is declared to return, what its body returns | `inference.find_method(object, name)`, `inference.result(…)`, `inference.body_result(…)` |
//! | the types of arguments | `call.args.ty(position, name)` |
//! | an object of the class that a value names | `inference.instance(&ty)` |
//!
//! Its answers are functions of the project's files and of the buffer. The
//! number of steps is bounded by the inference; loops over files or members need
//! bounds of their own in `limits`.

use super::eval::Args;
use super::function_ref::FunctionRef;
use super::inference::Inference;
use super::members::VirtualMember;
use super::types::{ClassType, Type};
use crate::index::Library;
use crate::index::symbols::{ClassRef, NameKind, UseKey};
use crate::php::ImportKind;

/// A framework's conventions. See the file's own words.
pub(super) trait Framework {
    /// Whether the project uses the framework. Asked once a request, so it only
    /// looks names up.
    fn applies(&self, project: &ProjectSigns<'_, '_>) -> bool;

    /// The classes that take the calls which `object`, or its class behind
    /// `::`, has no method for. Their public members count as its own behind
    /// `::`.
    fn forwards(&self, inference: &Inference<'_>, object: &ClassType) -> Vec<ClassType> {
        let _ = (inference, object);
        Vec::new()
    }

    /// The members that an object has without a declaration.
    fn members<'a>(
        &self,
        inference: &'a Inference<'a>,
        object: &ClassType,
    ) -> Vec<ConventionalMember<'a>> {
        let _ = (inference, object);
        Vec::new()
    }

    /// The type of a property.
    fn property(&self, inference: &Inference<'_>, object: &ClassType, name: &str) -> Type {
        let _ = (inference, object, name);
        Type::default()
    }

    /// What a method returns.
    fn method<'a>(&self, inference: &Inference<'a>, call: &MethodCall<'_, '_, 'a>) -> Type {
        let _ = (inference, call);
        Type::default()
    }

    /// What a function returns. Its name is in lower case, without the
    /// backslash at its start.
    fn function<'a>(&self, inference: &Inference<'a>, name: &str, args: Args<'_, '_, 'a>) -> Type {
        let _ = (inference, name, args);
        Type::default()
    }

    /// The strings that may stand at `place`, as
    /// [`literal_place`](crate::php::literal_place) writes it, because code at
    /// another place defines them. Those that other code writes at the same
    /// place are known without it.
    fn strings<'a>(&self, inference: &'a Inference<'a>, place: &str) -> Vec<DefinedString<'a>> {
        let _ = (inference, place);
        Vec::new()
    }

    /// What a method hands to the closure that is its argument `position`, as
    /// the closure's parameter `number`.
    fn handed<'a>(
        &self,
        inference: &Inference<'a>,
        call: &MethodCall<'_, '_, 'a>,
        position: usize,
        number: usize,
    ) -> Type {
        let _ = (inference, call, position, number);
        Type::default()
    }

    /// What a function hands to the callback that is its argument `position`, as the
    /// callback's parameter `number`. The function's name is in lower case.
    fn handed_by_function<'a>(
        &self,
        inference: &Inference<'a>,
        call: &CalledFunction<'_, '_, 'a>,
        position: usize,
        number: usize,
    ) -> Type {
        let _ = (inference, call, position, number);
        Type::default()
    }

    /// What `$this` is in a closure that is handed to the function `name`.
    fn closure_this(&self, inference: &Inference<'_>, name: &str) -> Type {
        let _ = (inference, name);
        Type::default()
    }

    /// The type of the parameter with this number of a function that states nothing
    /// of it.
    fn parameter(
        &self,
        inference: &Inference<'_>,
        function: &FunctionRef<'_>,
        number: usize,
    ) -> Type {
        let _ = (inference, function, number);
        Type::default()
    }

    /// The type of the global variable `name`, which begins with `$`.
    fn global(&self, inference: &Inference<'_>, name: &str) -> Type {
        let _ = (inference, name);
        Type::default()
    }
}

/// A call of a function.
pub(super) struct CalledFunction<'c, 'e, 'a> {
    /// The function's name in lower case, without the backslash at its start.
    pub(super) name: &'c str,
    /// The arguments.
    pub(super) args: Args<'c, 'e, 'a>,
}

/// A call of a method of an object, or of a class behind `::`.
pub(super) struct MethodCall<'c, 'e, 'a> {
    /// The object's class.
    pub(super) object: &'c ClassType,
    /// What `$this` and `static` are in the method.
    pub(super) this: &'c Type,
    /// The method's name as the call writes it.
    pub(super) name: &'c str,
    /// The arguments.
    pub(super) args: Args<'c, 'e, 'a>,
}

/// A string that names what is defined somewhere else: a key of the
/// configuration, a template.
#[derive(Clone, Copy, Debug)]
pub(in crate::context) struct DefinedString<'a> {
    /// The string.
    pub(in crate::context) text: &'a str,
    /// The key of the file that defines it.
    pub(in crate::context) path: &'a str,
    /// The first byte of the definition there.
    pub(in crate::context) start: u32,
}

/// A member that a class has by convention.
#[derive(Clone, Copy, Debug)]
pub(in crate::context) enum ConventionalMember<'a> {
    /// A declared member of another class: the class and the member's number.
    Declared(ClassRef<'a>, usize),
    /// A member without a declaration of its own, and the class that states it.
    Virtual(ClassRef<'a>, VirtualMember<'a>),
}

/// What [`Framework::applies`] may ask of a project.
pub(super) struct ProjectSigns<'i, 'a>(pub(super) &'i Inference<'a>);

impl ProjectSigns<'_, '_> {
    /// Whether its `composer.json` requires the package, for development or
    /// not.
    pub(super) fn requires(&self, package: &str) -> bool {
        let library = self.0.snapshot.library();
        library.is_some_and(|library| library.requires(package))
    }

    /// Whether its code calls the function `name`, which is in lower case.
    pub(super) fn calls_function(&self, name: &str) -> bool {
        let Inference {
            snapshot, buffer, ..
        } = self.0;
        let mut uses = snapshot.uses(UseKey::Name(NameKind::Function, name));
        uses.any(|user| *user.file.path != *buffer.path)
    }

    /// Whether its code names the class with the fully qualified name `name`,
    /// or a package that is installed declares it.
    pub(super) fn knows_class(&self, name: &str) -> bool {
        let Inference {
            snapshot, buffer, ..
        } = self.0;
        let folded = NameKind::Class.fold(name);
        let locates = |library: &dyn Library| library.locates(&folded);
        let mut uses = snapshot.uses(UseKey::Name(NameKind::Class, &folded));
        uses.any(|user| *user.file.path != *buffer.path)
            || snapshot.library().is_some_and(locates)
            || buffer.scope().imports().any(|import| {
                import.kind == ImportKind::Class && import.target.eq_ignore_ascii_case(name)
            })
    }
}
