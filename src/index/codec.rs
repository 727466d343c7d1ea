//! Writes numbers, lists of numbers and facts as bytes, and reads them. The index
//! consists mostly of long lists. The encoder writes them as the differences between
//! neighbours, in as few bytes as these need. The decoder reads them into vectors of
//! their exact size. Whatever the bytes, reading gives a value or [`DamagedIndex`].

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The bytes are not those of a stored index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("damaged")]
pub struct DamagedIndex;

/// Writes values as bytes.
#[derive(Debug, Default)]
pub(super) struct Encoder {
    bytes: Vec<u8>,
}

impl Encoder {
    /// The bytes that were written.
    pub(super) fn finish(self) -> Vec<u8> {
        self.bytes
    }

    /// Writes a number, seven bits a byte, the lowest first. The high bit of a byte
    /// says that more bytes follow.
    pub(super) fn number(&mut self, mut number: u32) {
        while number >= 0x80 {
            self.bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }

    /// Writes the number of `numbers`, and then these.
    pub(super) fn numbers(&mut self, numbers: impl ExactSizeIterator<Item = u32>) {
        self.number(numbers.len() as u32);
        numbers.for_each(|number| self.number(number));
    }

    /// Writes the starts of lists and the end of the last one: numbers that ascend
    /// from 0.
    pub(super) fn offsets(&mut self, offsets: &[u32]) {
        self.numbers(offsets.windows(2).map(|pair| pair[1] - pair[0]));
    }

    /// Writes lists of ascending numbers. The lists start at `offsets`.
    pub(super) fn ascending(&mut self, offsets: &[u32], mut numbers: impl Iterator<Item = u32>) {
        for pair in offsets.windows(2) {
            let mut last = 0;
            for number in numbers.by_ref().take((pair[1] - pair[0]) as usize) {
                self.number(number - last);
                last = number;
            }
        }
    }

    /// Writes the number of `bytes`, and then these.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u32);
        self.bytes.extend_from_slice(bytes);
    }

    /// Writes any other value.
    ///
    /// # Errors
    /// If `value` cannot be serialised.
    pub(super) fn value(&mut self, value: &impl Serialize) -> Result<(), postcard::Error> {
        self.bytes = postcard::to_extend(value, std::mem::take(&mut self.bytes))?;
        Ok(())
    }
}

/// Reads what the methods of [`Encoder`] with the same names write.
#[derive(Debug)]
pub(super) struct Decoder<'a> {
    rest: &'a [u8],
}

impl<'a> Decoder<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Succeeds if all bytes were read.
    pub(super) fn finish(self) -> Result<(), DamagedIndex> {
        ensure(self.rest.is_empty())
    }

    pub(super) fn number(&mut self) -> Result<u32, DamagedIndex> {
        let mut number = 0;
        for shift in (0..32).step_by(7) {
            let (&byte, rest) = self.rest.split_first().ok_or(DamagedIndex)?;
            self.rest = rest;
            number |= u32::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(DamagedIndex)
    }

    /// Reads a number of items that take a byte or more each.
    pub(super) fn count(&mut self) -> Result<usize, DamagedIndex> {
        let count = self.number()? as usize;
        ensure(count <= self.rest.len())?;
        Ok(count)
    }

    pub(super) fn numbers(&mut self) -> Result<Vec<u32>, DamagedIndex> {
        let count = self.count()?;
        let mut numbers = Vec::with_capacity(count);
        for _ in 0..count {
            numbers.push(self.number()?);
        }
        Ok(numbers)
    }

    pub(super) fn offsets(&mut self) -> Result<Vec<u32>, DamagedIndex> {
        let count = self.count()?;
        let mut offsets = Vec::with_capacity(count + 1);
        let mut end = 0_u32;
        offsets.push(end);
        for _ in 0..count {
            end = end.checked_add(self.number()?).ok_or(DamagedIndex)?;
            offsets.push(end);
        }
        Ok(offsets)
    }

    /// Reads lists of ascending numbers below `limit`.
    pub(super) fn ascending(
        &mut self,
        offsets: &[u32],
        limit: u32,
    ) -> Result<Vec<u32>, DamagedIndex> {
        let total = offsets.last().map_or(0, |&end| end as usize);
        ensure(total <= self.rest.len())?;
        let mut numbers = Vec::with_capacity(total);
        for pair in offsets.windows(2) {
            let mut last = 0_u32;
            for _ in pair[0]..pair[1] {
                last = last.checked_add(self.number()?).ok_or(DamagedIndex)?;
                ensure(last < limit)?;
                numbers.push(last);
            }
        }
        Ok(numbers)
    }

    pub(super) fn bytes(&mut self) -> Result<&'a [u8], DamagedIndex> {
        let count = self.count()?;
        let (bytes, rest) = self.rest.split_at(count);
        self.rest = rest;
        Ok(bytes)
    }

    pub(super) fn value<T: DeserializeOwned>(&mut self) -> Result<T, DamagedIndex> {
        let (value, rest) = postcard::take_from_bytes(self.rest).map_err(|_| DamagedIndex)?;
        self.rest = rest;
        Ok(value)
    }
}

/// Succeeds if a condition that undamaged bytes fulfil holds.
pub(super) fn ensure(holds: bool) -> Result<(), DamagedIndex> {
    if holds { Ok(()) } else { Err(DamagedIndex) }
}

/// New numbers for the items that stay when others are removed. The items that stay
/// keep their order.
#[derive(Debug)]
pub(super) struct Renumbering {
    /// The new number of each item; [`Renumbering::GONE`] for a removed one.
    new: Vec<u32>,
}

impl Renumbering {
    const GONE: u32 = u32::MAX;

    /// A renumbering, given for each item whether it stays.
    pub(super) fn new(stays: impl Iterator<Item = bool>) -> Self {
        let mut next = 0;
        let number = |stays: bool| {
            if !stays {
                return Self::GONE;
            }
            next += 1;
            next - 1
        };
        Self {
            new: stays.map(number).collect(),
        }
    }

    /// The new number of the item with the number `old`, if it stays.
    pub(super) fn of(&self, old: u32) -> Option<u32> {
        Some(self.new[old as usize]).filter(|&new| new != Self::GONE)
    }

    /// Removes the items that go from a list of all items.
    pub(super) fn keep<T>(&self, items: &mut Vec<T>) {
        let mut stays = self.new.iter().map(|&new| new != Self::GONE);
        items.retain(|_| stays.next() == Some(true));
        items.shrink_to_fit();
    }

    /// Removes the lists of the items that go from one array of lists, which start at
    /// `offsets`. Returns the new starts. Calls `move_item` for each entry of a list
    /// that stays, with its old and its new position; the result tells whether the
    /// entry stays.
    pub(super) fn lists(
        &self,
        offsets: &[u32],
        mut move_item: impl FnMut(usize, usize) -> bool,
    ) -> Vec<u32> {
        let mut kept = vec![0];
        let mut end = 0;
        for (list, pair) in offsets.windows(2).enumerate() {
            if self.new[list] == Self::GONE {
                continue;
            }
            for from in pair[0]..pair[1] {
                end += usize::from(move_item(from as usize, end));
            }
            kept.push(end as u32);
        }
        kept
    }
}
