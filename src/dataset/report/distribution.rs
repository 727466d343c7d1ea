//! Statistics of some numbers.

use serde::{Deserialize, Serialize};

/// Statistics of some numbers, at least one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// The least number.
    pub min: f64,
    /// The median; the lower one of two.
    pub median: f64,
    /// The mean.
    pub mean: f64,
    /// The 90th percentile: nine in ten numbers are at most this.
    pub p90: f64,
    /// The greatest number.
    pub max: f64,
}

impl Distribution {
    /// The statistics of `numbers`; `None` if there are no numbers.
    pub fn of(numbers: impl Iterator<Item = f64>) -> Option<Self> {
        let mut numbers: Vec<_> = numbers.collect();
        numbers.sort_by(f64::total_cmp);
        let max = *numbers.last()?;
        Some(Self {
            min: numbers[0],
            median: numbers[(numbers.len() - 1) / 2],
            mean: numbers.iter().sum::<f64>() / numbers.len() as f64,
            p90: numbers[(numbers.len() - 1) * 9 / 10],
            max,
        })
    }
}
