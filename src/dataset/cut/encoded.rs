//! An example in the form in which a sink keeps it.

use std::ops::Range;

use xxhash_rust::xxh3::Xxh3;

use crate::dataset::batch::{ExampleSummary, Sizes, TextShape};
use crate::dataset::error::DatasetError;
use crate::dataset::json_line;
use crate::dataset::record::Example;
use crate::dataset::template::{self, EscapedText, SpooledExample};

/// An example, and how its text is made.
pub(in crate::dataset) struct BuiltExample {
    /// The example.
    pub(in crate::dataset) example: Example,
    /// The format, control tokens and length of its text.
    pub(super) shape: TextShape,
    /// The lengths of its parts.
    pub(super) sizes: Sizes,
    /// Where prefix, middle and suffix stand in its text, in bytes.
    pub(super) part_ranges: [Range<usize>; 3],
    /// The bytes of the file that prefix, middle and suffix show. None if
    /// placeholders, neutralised control tokens or line breaks change them.
    pub(super) window: Option<Range<usize>>,
}

/// An example as its template, and what a run keeps of it in memory.
pub(in crate::dataset) struct EncodedExample {
    /// The template: see [`mod@template`].
    pub(in crate::dataset) template: String,
    /// What the run keeps.
    pub(in crate::dataset) summary: ExampleSummary,
}

impl EncodedExample {
    /// Encodes `built`. `escaped` is the text of its file.
    ///
    /// # Errors
    /// [`DatasetError::Sink`] if the example cannot be written as JSON.
    pub(super) fn new(
        built: BuiltExample,
        escaped: &EscapedText<'_>,
    ) -> Result<Self, DatasetError> {
        let BuiltExample {
            example,
            shape,
            sizes,
            part_ranges,
            window,
        } = built;
        let mut hasher = Xxh3::new();
        for part in [&example.prefix, &example.middle, &example.suffix] {
            hasher.update(&part.len().to_le_bytes());
            hasher.update(part.as_bytes());
        }
        let (kind, complexity) = (example.span_kind, example.complexity_score.to_bits());
        let has_context = !example.context.is_empty();
        let hole = example.start_byte..example.end_byte;
        let window = match window {
            Some(window) => escaped.window(&window, &hole)?,
            None => None,
        };
        let template = match window {
            Some(_) => template::with_gaps(example, &part_ranges)?,
            None => json_line::text(&example)? + "\n",
        };
        Ok(Self {
            summary: ExampleSummary {
                digest: hasher.digest128(),
                kind,
                complexity,
                shape,
                sizes,
                kept: SpooledExample {
                    bytes: template.len(),
                    window,
                    has_context,
                },
            },
            template,
        })
    }
}
