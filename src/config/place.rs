//! Where a user sets the keys of a section, as messages name it.

use std::path::PathBuf;

/// Where a user sets the keys of `[endpoint]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndpointPlace {
    /// In the settings file, which need not exist; none if it is not known.
    File(Option<PathBuf>),
    /// In the settings of an editor.
    Editor,
    /// On the command line, which has the URL and the kind. The other keys are in the
    /// settings file.
    Flags(Option<PathBuf>),
}

impl Default for EndpointPlace {
    fn default() -> Self {
        Self::File(None)
    }
}

impl EndpointPlace {
    /// The key `key` in this place.
    #[must_use]
    pub fn key(&self, key: &str) -> String {
        let flag = match key {
            "url" => Some("--endpoint"),
            "kind" => Some("--endpoint-kind"),
            _ => None,
        };
        match (self, flag) {
            (Self::Editor, _) => format!("endpoint.{key} in the editor's settings"),
            (Self::Flags(_), Some(flag)) => flag.to_owned(),
            (Self::File(Some(file)) | Self::Flags(Some(file)), _) => {
                format!("{key} under [endpoint] in {}", file.display())
            }
            (Self::File(None) | Self::Flags(None), _) => {
                format!("{key} under [endpoint] in the settings file")
            }
        }
    }
}
