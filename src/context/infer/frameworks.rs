//! The frameworks that fimd knows, and how the inference asks those that a
//! project uses.

mod declared;
mod doctrine;
mod drupal;
mod laravel;
mod symfony;
mod testing;
mod wordpress;

use super::eval::Args;
use super::framework::{
    CalledFunction, ConventionalMember, DefinedString, Framework, MethodCall, ProjectSigns,
};
use super::function_ref::FunctionRef;
use super::inference::Inference;
use super::types::{ClassType, Type};
use crate::php::{MemberKind, Visibility};

/// Every framework. One that is asked first goes before the others.
const FRAMEWORKS: [&dyn Framework; 6] = [
    &laravel::Laravel,
    &doctrine::Doctrine,
    &drupal::Drupal,
    &symfony::Symfony,
    &wordpress::WordPress,
    &testing::Testing,
];

impl<'a> Inference<'a> {
    /// The frameworks that the project uses.
    fn frameworks(&self) -> impl Iterator<Item = &'static dyn Framework> {
        let known = self.frameworks.get_or_init(|| {
            let project = ProjectSigns(self);
            let all = (0..).zip(FRAMEWORKS);
            all.filter(|(_, framework)| framework.applies(&project))
                .map(|(number, _)| number)
                .collect()
        });
        known.iter().map(|&number| FRAMEWORKS[number])
    }

    /// The first type that a framework tells.
    fn told(&self, by: impl Fn(&dyn Framework) -> Type) -> Type {
        let mut told = self.frameworks().map(|framework| {
            let ty = self.deeper(|| by(framework));
            ty.unwrap_or_default()
        });
        told.find(|ty| !ty.is_empty()).unwrap_or_default()
    }

    /// What a framework says of the property `name` of `object`.
    pub(super) fn told_property(&self, object: &ClassType, name: &str) -> Type {
        self.told(|framework| framework.property(self, object, name))
    }

    /// What a framework says that a method returns.
    pub(super) fn told_method(&self, call: &MethodCall<'_, '_, 'a>) -> Type {
        self.told(|framework| framework.method(self, call))
    }

    /// What a framework says that the function `name` returns.
    pub(super) fn told_function(&self, name: &str, args: Args<'_, '_, 'a>) -> Type {
        self.told(|framework| framework.function(self, name, args))
    }

    /// What a framework says that a method hands to a closure.
    pub(super) fn told_handed(
        &self,
        call: &MethodCall<'_, '_, 'a>,
        position: usize,
        number: usize,
    ) -> Type {
        self.told(|framework| framework.handed(self, call, position, number))
    }

    /// The strings that may stand at `place` because code at another place
    /// defines them.
    pub(in crate::context) fn defined_strings(&'a self, place: &str) -> Vec<DefinedString<'a>> {
        let all = self.frameworks();
        all.flat_map(|framework| framework.strings(self, place))
            .collect()
    }

    /// What a framework says that a function hands to a callback.
    pub(super) fn told_handed_by_function(
        &self,
        call: &CalledFunction<'_, '_, 'a>,
        position: usize,
        number: usize,
    ) -> Type {
        self.told(|framework| framework.handed_by_function(self, call, position, number))
    }

    /// What a framework says that `$this` is in a closure that is handed to the function
    /// `name`.
    pub(super) fn told_this(&self, name: &str) -> Type {
        self.told(|framework| framework.closure_this(self, name))
    }

    /// What a framework says of a parameter that nothing else tells of.
    pub(super) fn told_parameter(&self, function: &FunctionRef<'_>, number: usize) -> Type {
        self.told(|framework| framework.parameter(self, function, number))
    }

    /// What a framework says of the global variable `name`.
    pub(super) fn told_global(&self, name: &str) -> Type {
        self.told(|framework| framework.global(self, name))
    }

    /// The classes that take the calls which `object` has no method for.
    pub(super) fn forwards(&self, object: &ClassType) -> Vec<ClassType> {
        let all = self.frameworks().filter_map(|framework| {
            // A class that forwards to itself would be asked without end.
            self.deeper(|| framework.forwards(self, object))
        });
        all.flatten()
            .filter(|class| !class.name.eq_ignore_ascii_case(&object.name))
            .collect()
    }

    /// The members that values of the type `ty` have by convention; with
    /// `is_static`, those that their classes have behind `::`.
    pub(super) fn conventional_members(
        &'a self,
        ty: &Type,
        is_static: bool,
    ) -> Vec<ConventionalMember<'a>> {
        let mut all = Vec::new();
        if self.frameworks().next().is_none() {
            return all;
        }
        for object in ty.classes() {
            let mut objects = vec![object.clone()];
            if is_static {
                objects.extend(self.forwards(object));
            }
            for (number, object) in objects.iter().enumerate() {
                for framework in self.frameworks() {
                    all.extend(framework.members(self, object));
                }
                if number > 0 {
                    self.add_public(object, &mut all);
                }
            }
        }
        if is_static {
            all.retain(|member| member.kind() == MemberKind::Method);
        }
        all
    }

    /// Adds the public members of `object` and of what it inherits from.
    fn add_public(&'a self, object: &ClassType, all: &mut Vec<ConventionalMember<'a>>) {
        let Some(class) = self.class(&object.name) else {
            return;
        };
        let members = self.members(class);
        let declared = members.all().filter(|&(owner, index)| {
            let is_own = !owner.class().members[index].is_static;
            is_own && members.visibility(owner, index) == Visibility::Public
        });
        all.extend(declared.map(|(owner, index)| ConventionalMember::Declared(owner, index)));
        let stated = members.all_virtual();
        all.extend(stated.map(|(owner, member)| ConventionalMember::Virtual(owner, member)));
    }
}

impl ConventionalMember<'_> {
    /// The kind of the member.
    fn kind(&self) -> MemberKind {
        match self {
            Self::Declared(owner, index) => owner.class().members[*index].kind,
            Self::Virtual(_, member) => member.kind,
        }
    }
}
