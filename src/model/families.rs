//! The families that a model can belong to.

use super::builtin;
use super::family::{Family, FamilyError};

/// All known families: the built-in ones and those of the settings file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Families(Vec<Family>);

impl Default for Families {
    fn default() -> Self {
        Self(builtin::families())
    }
}

impl Families {
    /// Adds a family, or replaces the one of the same name.
    ///
    /// # Errors
    /// If its description makes no sense.
    pub fn add(&mut self, family: Family) -> Result<(), FamilyError> {
        family.check()?;
        match self.0.iter_mut().find(|known| known.name == family.name) {
            Some(known) => *known = family,
            None => self.0.push(family),
        }
        Ok(())
    }

    /// The family called `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Family> {
        self.iter().find(|family| family.name == name)
    }

    /// All families, the built-in ones first.
    pub fn iter(&self) -> impl Iterator<Item = &Family> {
        self.0.iter()
    }

    /// The names of the families for which `wanted` holds, for an error message.
    pub fn names(&self, wanted: impl Fn(&Family) -> bool) -> String {
        let names = self.iter().filter(|family| wanted(family));
        let names: Vec<_> = names.map(|family| family.name.as_str()).collect();
        names.join(", ")
    }
}
