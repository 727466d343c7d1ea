//! The buffers of examples, made again from the source.

use std::borrow::Cow;

use crate::dataset::cut::unfinished::{BufferTokens, Unfinished};
use crate::dataset::record::Example;
use crate::dataset::verify::checker::Checker;

/// The text of a buffer around the hole of an example.
pub(super) struct ExampleBuffer<'t> {
    /// The text before the cursor.
    pub(super) before: Cow<'t, str>,
    /// The text behind the cursor.
    pub(super) after: Cow<'t, str>,
}

impl Checker<'_> {
    /// The buffer of `example`, whose file is `[before, middle, after]`: the file without
    /// the middle, and without what the example says is not typed yet.
    ///
    /// # Errors
    /// What is wrong with the example's `buffer`, in words.
    pub(super) fn buffer<'t>(
        &self,
        example: &Example,
        [before, middle, after]: [&'t str; 3],
    ) -> Result<ExampleBuffer<'t>, String> {
        let Some(written) = &example.buffer else {
            return Ok(ExampleBuffer {
                before: before.into(),
                after: after.into(),
            });
        };
        let unfinished: Result<Unfinished, ()> = written.parse();
        let hole = before.len()..before.len() + middle.len();
        let around = unfinished
            .ok()
            .and_then(|unfinished| unfinished.around(&[before, middle, after].concat(), &hole));
        match around {
            Some([before, after]) => Ok(ExampleBuffer {
                before: before.into(),
                after: after.into(),
            }),
            None => Err(format!(
                "buffer: expected a state and bytes of the file outside the hole, found {written:?}"
            )),
        }
    }

    /// What is wrong with the state of the buffer of `example`, whose file has the text
    /// `text`: another one is drawn with the options and the seed of the dataset.
    pub(super) fn buffer_objection(&self, example: &Example, text: &str) -> Option<String> {
        let secrets = self.secrets_of(text);
        let tokens = BufferTokens::of_file(text, &secrets, &self.options);
        let hole = example.start_byte..example.end_byte;
        let drawn = tokens.and_then(|tokens| tokens.draw(&example.filepath, &hole, &self.options));
        let drawn = drawn.map(|unfinished| unfinished.to_string());
        let said = |state: &Option<String>| state.clone().unwrap_or_else(|| "none".into());
        (drawn != example.buffer).then(|| {
            format!(
                "buffer: expected {}, found {}",
                said(&drawn),
                said(&example.buffer)
            )
        })
    }
}
