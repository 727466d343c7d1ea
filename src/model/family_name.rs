//! The name of a model family on the command line: any name, because the settings
//! file may have more families, but shells complete those of the built-in ones.

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::error::Error;
use clap::{Arg, Command};

use super::Families;

/// Takes the name of a family.
#[derive(Clone, Copy, Debug)]
pub struct FamilyName;

impl TypedValueParser for FamilyName {
    type Value = String;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<String, Error> {
        StringValueParser::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let families = Families::default();
        let names: Vec<_> = families.iter().map(|family| family.name.clone()).collect();
        Some(Box::new(names.into_iter().map(PossibleValue::new)))
    }
}
