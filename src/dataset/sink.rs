//! The interface between a run and what stores its examples.

use crate::dataset::batch::Batch;
use crate::dataset::duplicates::StoredHole;
use crate::dataset::split::Split;
use crate::dataset::template::SpooledExample;

/// A text that examples show: see [`Sink::shown`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExampleText {
    /// The text of a file, or a part of it, and the windows of it that some
    /// examples show, in bytes, each with the index of its example.
    Source(String, Vec<(usize, std::ops::Range<usize>)>),
    /// The index and the line of an example. Prefix, middle and suffix are empty if a
    /// [`Self::Source`] shows them.
    Line(usize, Vec<u8>),
}

/// Stores the examples of a run. The examples of ended batches can be read from
/// several threads.
pub trait Sink: Sync {
    /// Stores the text of the file from which the next examples are cut, as it stands
    /// in a JSON string.
    ///
    /// # Errors
    /// If it cannot be kept; ends the run.
    fn text(&mut self, text: &[u8]) -> std::io::Result<()>;

    /// Stores the next example, given as its template: see
    /// [`mod@crate::dataset::template`].
    ///
    /// # Errors
    /// If it cannot be kept; ends the run.
    fn example(&mut self, template: &str, kept: &SpooledExample) -> std::io::Result<()>;

    /// Stores lines of the file of rejects (see [`mod@crate::dataset::reject`]), if
    /// there is one. The run gives the lines of recalled batches again.
    ///
    /// # Errors
    /// If they cannot be kept; ends the run.
    fn reject(&mut self, _lines: &str) -> std::io::Result<()> {
        Ok(())
    }

    /// Ends `batch`, all examples of which were given.
    ///
    /// # Errors
    /// If it cannot be kept; ends the run.
    fn end_batch(&mut self, batch: &Batch) -> std::io::Result<()>;

    /// The next batch, if an earlier run has ended it. The run does not give its
    /// examples again.
    ///
    /// # Errors
    /// If what was kept cannot be read; ends the run.
    fn recall(&mut self) -> std::io::Result<Option<Batch>>;

    /// Takes note of the next text of a recalled batch, of this length in bytes.
    fn recalled_text(&mut self, bytes: usize);

    /// Takes note of the next example of a recalled batch.
    fn recalled_example(&mut self, kept: &SpooledExample);

    /// Reads the examples with these indices, counted from 0 in the order in which
    /// they were given. `take` gets each as a JSON object and a line break.
    ///
    /// # Errors
    /// If they cannot be read, or `take` fails; ends the run.
    fn read(
        &self,
        wanted: &[usize],
        take: &mut dyn FnMut(&[u8]) -> std::io::Result<()>,
    ) -> std::io::Result<()>;

    /// Gives `look` the texts that the examples with these indices show, the text of
    /// each file once. The indices ascend. In parallel on the current rayon pool.
    ///
    /// # Errors
    /// If they cannot be read, or `look` fails; ends the run.
    fn shown(
        &self,
        wanted: &[usize],
        look: &(dyn Fn(ExampleText) -> std::io::Result<()> + Sync),
    ) -> std::io::Result<()>;

    /// The middles of the examples with these indices, in their order, with the text
    /// around them.
    ///
    /// # Errors
    /// If they cannot be read; ends the run.
    fn holes(&self, wanted: &[usize]) -> std::io::Result<Vec<StoredHole>>;

    /// Writes `split`: the examples with these indices, in their order. In
    /// parallel on the current rayon pool.
    ///
    /// # Errors
    /// If they cannot be written.
    fn write(&self, split: Split, order: &[usize]) -> std::io::Result<()>;

    /// Returns when everything that [`Self::write`] wrote is durable.
    ///
    /// # Errors
    /// If it cannot be made durable.
    fn settle(&mut self) -> std::io::Result<()>;
}
