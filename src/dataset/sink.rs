//! What takes the examples of a run.

use crate::dataset::batch::Batch;
use crate::dataset::split::Split;
use crate::dataset::template::SpooledExample;

/// What examples show, as [`Sink::shown`] gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExampleText {
    /// A file's own text, or a part of it, and what some examples show of that,
    /// in bytes.
    Source(String, Vec<std::ops::Range<usize>>),
    /// The line of an example. It lacks prefix, middle and suffix if a text has
    /// them.
    Line(Vec<u8>),
}

/// Takes the examples of a run. Those of the batches that were ended can be
/// looked at from several threads.
pub trait Sink: Sync {
    /// Takes the text of a file, from which the examples after it are cut, as it
    /// stands in a JSON string.
    ///
    /// # Errors
    /// If it cannot be kept; ends the run.
    fn text(&mut self, text: &[u8]) -> std::io::Result<()>;

    /// Takes the next example, given as its template: see [`mod@template`].
    ///
    /// # Errors
    /// If it cannot be kept; ends the run.
    fn example(&mut self, template: &str, kept: &SpooledExample) -> std::io::Result<()>;

    /// Takes lines of the file of rejects (see [`mod@rejects`]), if it keeps
    /// one; those of batches that were recalled are given again.
    ///
    /// # Errors
    /// If they cannot be kept; ends the run.
    fn reject(&mut self, _lines: &str) -> std::io::Result<()> {
        Ok(())
    }

    /// Notes that all examples of `batch` were given.
    ///
    /// # Errors
    /// If it cannot be kept; ends the run.
    fn end_batch(&mut self, batch: &Batch) -> std::io::Result<()>;

    /// The batch that comes next, if an earlier run has ended it: its examples
    /// were taken then and are not given again.
    ///
    /// # Errors
    /// If what was kept cannot be read; ends the run.
    fn recall(&mut self) -> std::io::Result<Option<Batch>>;

    /// Takes the next text of a batch that was recalled, by its length in bytes.
    fn recalled_text(&mut self, bytes: usize);

    /// Takes the next example of a batch that was recalled.
    fn recalled_example(&mut self, kept: &SpooledExample);

    /// Reads the examples of these indices, counted from 0 in the order in
    /// which they came, each a JSON object and a line break.
    ///
    /// # Errors
    /// If they cannot be read, and those of `take`; ends the run.
    fn read(
        &self,
        wanted: &[usize],
        take: &mut dyn FnMut(&[u8]) -> std::io::Result<()>,
    ) -> std::io::Result<()>;

    /// Gives `look` what the examples of these indices, in ascending order, show:
    /// each file's text once. In parallel on the current rayon pool.
    ///
    /// # Errors
    /// If it cannot be read, and those of `look`; ends the run.
    fn shown(
        &self,
        wanted: &[usize],
        look: &(dyn Fn(ExampleText) -> std::io::Result<()> + Sync),
    ) -> std::io::Result<()>;

    /// The middles of the examples of these indices, in their order.
    ///
    /// # Errors
    /// If they cannot be read; ends the run.
    fn middles(&self, wanted: &[usize]) -> std::io::Result<Vec<String>>;

    /// Writes `part`: the examples of these indices, in their order. In parallel on
    /// the current rayon pool.
    ///
    /// # Errors
    /// If they cannot be written.
    fn write(&self, part: Split, order: &[usize]) -> std::io::Result<()>;

    /// Returns when what [`Self::write`] has written is on the disk.
    ///
    /// # Errors
    /// If it does not get there.
    fn settle(&mut self) -> std::io::Result<()>;
}
