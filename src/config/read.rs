//! Reading the text of a settings file: serde deserializes its sections, then
//! those that refer to one another are resolved.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use toml_edit::{Document, de};

use super::Settings;
use super::completion::{CompletionSection, CompletionSettings};
use super::context::ContextSettings;
use super::editor::EditorSettings;
use super::endpoint::{Endpoint, EndpointSection};
use super::error::SettingFault;
use super::files::FilesSettings;
use super::limits::Limits;
use super::tags::TagSettings;
use super::values::section;
use crate::model::{Families, Family};

/// The sections of a settings file.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Sections {
    #[serde(deserialize_with = "section")]
    limits: Limits,
    #[serde(deserialize_with = "section")]
    files: FilesSettings,
    #[serde(deserialize_with = "section")]
    context: ContextSettings,
    models: NamedFamilies,
    #[serde(deserialize_with = "section")]
    endpoint: EndpointSection,
    #[serde(deserialize_with = "section")]
    completion: CompletionSection,
    #[serde(deserialize_with = "section")]
    tags: TagSettings,
    #[serde(deserialize_with = "section")]
    editor: EditorSettings,
}

/// The sections `[models.NAME]`, in the order of the file.
#[derive(Default)]
struct NamedFamilies(Vec<Family>);

impl<'de> Deserialize<'de> for NamedFamilies {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;

        impl<'de> Visitor<'de> for Names {
            type Value = NamedFamilies;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a section")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<NamedFamilies, A::Error> {
                let mut families = Vec::new();
                while let Some(name) = map.next_key()? {
                    let FamilySection(family) = map.next_value()?;
                    families.push(Family { name, ..family });
                }
                Ok(NamedFamilies(families))
            }
        }

        deserializer.deserialize_map(Names)
    }
}

/// The section `[models.NAME]`.
#[derive(Deserialize)]
struct FamilySection(#[serde(deserialize_with = "section")] Family);

/// The text as TOML.
pub(super) fn parse(text: &str) -> Result<Document<&str>, SettingFault> {
    Document::parse(text).map_err(|error| SettingFault::syntax(&error))
}

/// The settings in `text`; keys that it does not set keep their defaults.
pub(super) fn read(text: &str) -> Result<Settings, SettingFault> {
    let document = parse(text)?;
    let sections = Sections::deserialize(de::Deserializer::from(document.clone()))
        .map_err(|error| SettingFault::data(&document, &error))?;
    let mut families = Families::default();
    for family in sections.models.0 {
        let name = family.name.clone();
        families
            .add(family)
            .map_err(|error| SettingFault::value(&document, &["models", &name], error))?;
    }
    let endpoint = sections
        .endpoint
        .over(Endpoint::default(), &families)
        .map_err(|what| SettingFault::value(&document, &["endpoint", "family"], what))?;
    let completion = sections.completion.over(&CompletionSettings::default());
    completion
        .check(&endpoint)
        .map_err(|(key, what)| SettingFault::value(&document, &["completion", key], what))?;
    Ok(Settings {
        limits: sections.limits,
        files: sections.files,
        families,
        context: sections.context,
        endpoint,
        completion,
        tags: sections.tags,
        editor: sections.editor,
        file: None,
    })
}
