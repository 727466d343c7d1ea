//! Joins many events into few batches. Pure: the caller passes the time.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::changes::DiskChanges;

/// A batch is due when nothing has happened for this long …
const DEBOUNCE: Duration = Duration::from_millis(100);
/// … or when its first event is this old.
const CEILING: Duration = Duration::from_millis(500);
/// New folders are walked again when nothing has happened for this long: files
/// may have been put into them before they were watched …
const QUIET: Duration = Duration::from_millis(200);
/// … or when they are watched for this long.
const QUIET_CEILING: Duration = Duration::from_secs(2);
/// Above this number of paths, walking everything costs less than looking at
/// each path.
const MAX_PATHS: usize = 512;

/// The times of the first and the last event of a batch.
#[derive(Clone, Copy, Debug)]
struct EventWindow {
    first: Instant,
    last: Instant,
}

impl EventWindow {
    fn due(self, quiet: Duration, ceiling: Duration) -> Instant {
        (self.last + quiet).min(self.first + ceiling)
    }
}

/// Collects changes until it is time to act on them.
#[derive(Debug)]
pub struct Coalescer {
    pending: DiskChanges,
    window: Option<EventWindow>,
    /// Set while new folders have not been walked again.
    settling: Option<EventWindow>,
}

impl Default for Coalescer {
    fn default() -> Self {
        Self {
            pending: DiskChanges::Paths(BTreeSet::new()),
            window: None,
            settling: None,
        }
    }
}

impl Coalescer {
    /// Adds changes that were reported at `now`.
    pub fn add(&mut self, changes: DiskChanges, now: Instant) {
        for window in [&mut self.settling, &mut self.window].into_iter().flatten() {
            window.last = now;
        }
        self.window.get_or_insert(EventWindow {
            first: now,
            last: now,
        });
        self.pending = match (std::mem::take(&mut self.pending), changes) {
            (DiskChanges::Paths(mut paths), DiskChanges::Paths(more)) => {
                paths.extend(more);
                if paths.len() > MAX_PATHS {
                    // Without the paths the replaced folders are unknown too.
                    DiskChanges::Lost
                } else {
                    DiskChanges::Paths(paths)
                }
            }
            (DiskChanges::Lost, _) | (_, DiskChanges::Lost) => DiskChanges::Lost,
            _ => DiskChanges::Rescan,
        };
    }

    /// Schedules a [`DiskChanges::Rescan`] for when no more events come.
    pub fn settle(&mut self, now: Instant) {
        let window = self.settling.get_or_insert(EventWindow {
            first: now,
            last: now,
        });
        window.last = now;
    }

    /// When the next batch is due, if nothing happens before.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        let batch = self.window.map(|window| window.due(DEBOUNCE, CEILING));
        let settled = self.settling.map(|window| window.due(QUIET, QUIET_CEILING));
        batch.into_iter().chain(settled).min()
    }

    /// The batch that is due at `now`, if one is.
    pub fn take(&mut self, now: Instant) -> Option<DiskChanges> {
        if self.due().is_none_or(|due| now < due) {
            return None;
        }
        let pending = std::mem::take(&mut self.pending);
        self.window = None;
        let settled = self
            .settling
            .take_if(|window| window.due(QUIET, QUIET_CEILING) <= now);
        match pending {
            DiskChanges::Paths(_) if settled.is_some() => Some(DiskChanges::Rescan),
            pending => Some(pending),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use proptest::prelude::*;

    use super::*;

    fn path(name: usize) -> DiskChanges {
        DiskChanges::Paths([PathBuf::from(name.to_string())].into())
    }

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_batch_waits_for_quiet_up_to_a_ceiling() {
        let start = Instant::now();
        let mut coalescer = Coalescer::default();
        assert_eq!(coalescer.due(), None);
        assert_eq!(coalescer.take(start), None);
        coalescer.add(path(1), start);
        assert_eq!(coalescer.due(), Some(start + DEBOUNCE));
        assert_eq!(coalescer.take(start + ms(99)), None);
        for at in 1..20 {
            coalescer.add(path(at as usize % 2), start + ms(50 * at));
        }
        assert_eq!(coalescer.due(), Some(start + CEILING));
        let both = DiskChanges::Paths(["0", "1"].map(PathBuf::from).into());
        assert_eq!(coalescer.take(start + ms(950)), Some(both));
        assert_eq!(coalescer.due(), None);
    }

    #[test]
    fn new_folders_are_scanned_again_after_a_quiet_time() {
        let start = Instant::now();
        let mut coalescer = Coalescer::default();
        coalescer.settle(start);
        assert_eq!(coalescer.due(), Some(start + QUIET));
        coalescer.add(path(1), start + ms(150));
        assert_eq!(coalescer.take(start + ms(250)), Some(path(1)));
        assert_eq!(coalescer.take(start + ms(349)), None);
        assert_eq!(coalescer.take(start + ms(350)), Some(DiskChanges::Rescan));
        assert_eq!(coalescer.due(), None);
    }

    #[test]
    fn a_rescan_comes_at_the_latest_at_the_ceiling() {
        let start = Instant::now();
        let mut coalescer = Coalescer::default();
        coalescer.settle(start);
        let mut rescanned = None;
        for at in (0..4000).step_by(50).map(ms) {
            coalescer.add(path(1), start + at);
            if let Some(DiskChanges::Rescan) = coalescer.take(start + at) {
                rescanned.get_or_insert(at);
            }
        }
        assert!(
            rescanned.unwrap() <= QUIET_CEILING + CEILING,
            "{rescanned:?}"
        );
    }

    #[test]
    fn too_many_paths_become_a_lost_batch() {
        let start = Instant::now();
        let mut coalescer = Coalescer::default();
        for n in 0..10 * MAX_PATHS {
            coalescer.add(path(n), start);
        }
        assert_eq!(coalescer.pending, DiskChanges::Lost);
        coalescer.add(DiskChanges::Rescan, start);
        assert_eq!(coalescer.take(start + CEILING), Some(DiskChanges::Lost));
    }

    proptest! {
        #[test]
        fn every_event_is_in_the_next_batch_and_no_batch_is_late(
            steps in prop::collection::vec((0..300_u64, 0..5_usize, 0..20_u8), 1..60),
        ) {
            let mut coalescer = Coalescer::default();
            let mut now = Instant::now();
            let mut waiting: Vec<(PathBuf, Instant)> = Vec::new();
            for (pause, name, what) in steps {
                let next = now + ms(pause);
                // A batch that is due before the next event is taken at that time.
                while let Some(due) = coalescer.due().filter(|due| *due <= next) {
                    let batch = coalescer.take(due.max(now));
                    let in_time = waiting.iter().all(|(_, since)| due <= *since + CEILING);
                    let whole = waiting.iter().all(|(path, _)| match &batch {
                        Some(DiskChanges::Paths(paths)) => paths.contains(path),
                        Some(DiskChanges::Rescan | DiskChanges::Lost) => true,
                        None => false,
                    });
                    prop_assert!(batch.is_some() && whole && in_time);
                    waiting.clear();
                }
                now = next;
                match what {
                    0 => coalescer.add(DiskChanges::Lost, now),
                    1 => coalescer.settle(now),
                    _ => {
                        let path = PathBuf::from(name.to_string());
                        coalescer.add(DiskChanges::Paths([path.clone()].into()), now);
                        waiting.push((path, now));
                    }
                }
            }
            let end = now + QUIET_CEILING;
            let last = coalescer.take(end);
            prop_assert!(waiting.is_empty() || last.is_some());
            prop_assert_eq!(coalescer.due(), None);
        }
    }
}
