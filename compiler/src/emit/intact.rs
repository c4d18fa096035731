//! Which values are still in the workspace when the loss is computed.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::graph::ValueId;
use crate::passes::{BufferSlot, MemoryPlan};
use crate::program::Program;

/// For each value, whether it is not overwritten in the first `steps` steps after its last write.
pub(super) fn intact(program: &Program, plan: &MemoryPlan, steps: usize) -> Vec<bool> {
    let mut last_write: Vec<Option<usize>> = vec![None; program.values.len()];
    for (index, step) in program.steps[..steps].iter().enumerate() {
        for (value, _) in step.values().into_iter().filter(|(_, access)| access.changes()) {
            last_write[value.0] = Some(index);
        }
    }
    let range = |value: ValueId| match plan.slots[value.0] {
        Some(BufferSlot::PerImage(offset)) => Some(offset..offset + program.values[value.0].extent.len()),
        _ => None,
    };
    let mut intact = vec![false; program.values.len()];
    let mut written = Written::default();
    for (index, step) in program.steps[..steps].iter().enumerate().rev() {
        let changed = step.values().into_iter().filter(|(_, access)| access.changes());
        let ranges: Vec<(ValueId, Range<usize>)> =
            changed.filter_map(|(value, _)| Some((value, range(value)?))).collect();
        for (value, range) in &ranges {
            intact[value.0] |= last_write[value.0] == Some(index) && !written.meets(range);
        }
        // An elided copy writes nothing.
        for (_, range) in ranges.into_iter().filter(|_| !plan.elided[index]) {
            written.add(range);
        }
    }
    intact
}

/// Disjoint ranges, from start to end.
#[derive(Default)]
struct Written(BTreeMap<usize, usize>);

impl Written {
    fn meets(&self, range: &Range<usize>) -> bool {
        self.0.range(..range.end).next_back().is_some_and(|(_, end)| *end > range.start)
    }

    fn add(&mut self, mut range: Range<usize>) {
        while let Some((&start, &end)) = self.0.range(..=range.end).next_back().filter(|(_, end)| **end >= range.start)
        {
            self.0.remove(&start);
            range = start.min(range.start)..end.max(range.end);
        }
        self.0.insert(range.start, range.end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_touch_become_one() {
        let mut written = Written::default();
        for range in [0..4, 10..14, 20..24, 4..10] {
            written.add(range);
        }
        assert_eq!(written.0.iter().collect::<Vec<_>>(), [(&0, &14), (&20, &24)]);
        assert!(written.meets(&(13..15)) && written.meets(&(0..1)) && written.meets(&(23..30)));
        assert!(!written.meets(&(14..20)) && !written.meets(&(24..30)));
        written.add(12..22);
        assert_eq!(written.0.iter().collect::<Vec<_>>(), [(&0, &24)]);
    }
}
