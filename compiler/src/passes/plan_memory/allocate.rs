//! Offline storage allocation: chooses offsets so that allocations alive at the same time do not overlap, in little memory. The
//! problem is NP-hard; a few placement orders are tried and the best result is kept.

use std::cmp::Reverse;

/// Memory that is needed during a range of steps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allocation {
    /// The number of elements.
    pub(super) len: usize,
    /// The first and the last step that need it.
    pub(super) alive: [usize; 2],
}

/// Alignment in elements: a cache line, or a fraction of one for a small allocation, where a whole line would waste more than a
/// sixteenth.
fn alignment(len: usize) -> usize {
    const LINE: usize = 16;
    let sixteenth = (len / LINE).clamp(1, LINE);
    1 << sixteenth.ilog2()
}

impl Allocation {
    /// The length, rounded up to the alignment.
    fn size(&self) -> usize {
        self.len.next_multiple_of(alignment(self.len))
    }

    /// The first aligned offset from `free` on.
    fn start(&self, free: usize) -> usize {
        free.next_multiple_of(alignment(self.len))
    }
}

/// The peak: the largest sum over the allocations alive at one step.
pub(super) fn peak(allocations: &[Allocation], steps: usize, len: fn(&Allocation) -> usize) -> usize {
    let (mut starting, mut ending) = (vec![0; steps + 1], vec![0; steps + 1]);
    for allocation in allocations {
        starting[allocation.alive[0]] += len(allocation);
        ending[allocation.alive[1] + 1] += len(allocation);
    }
    let alive = starting.iter().zip(&ending).scan(0, |alive, (starting, ending)| {
        *alive = *alive + starting - ending;
        Some(*alive)
    });
    alive.max().unwrap_or(0)
}

/// The offset of each allocation, and the total number of elements.
type Placed = (Vec<usize>, usize);

/// A placement order for allocations within a number of steps.
type Order = fn(&[Allocation], usize) -> Placed;

/// With more allocations than this, only the orders by time are tried: the others compare every pair.
const MAX_FOR_ALL_ORDERS: usize = 16_384;

/// Places all allocations.
pub(super) fn allocate(allocations: &[Allocation], steps: usize) -> Placed {
    let bound = peak(allocations, steps, Allocation::size);
    let orders: [Order; 4] = [forward_in_time, backward_in_time, largest_first, longest_first];
    let orders = if allocations.len() > MAX_FOR_ALL_ORDERS { &orders[..2] } else { &orders[..] };
    let mut best = (Vec::new(), usize::MAX);
    for order in orders {
        let placed = order(allocations, steps);
        if placed.1 < best.1 {
            best = placed;
        }
        if best.1 <= bound {
            break;
        }
    }
    best
}

/// In program order: each allocation takes the smallest sufficient gap when its lifetime begins, and frees it when its lifetime ends.
fn forward_in_time(allocations: &[Allocation], steps: usize) -> Placed {
    let (mut starting, mut ending) = (vec![Vec::new(); steps], vec![Vec::new(); steps]);
    for (index, allocation) in allocations.iter().enumerate() {
        starting[allocation.alive[0]].push(index);
        ending[allocation.alive[1]].push(index);
    }
    let mut offsets = vec![0; allocations.len()];
    let mut gaps = Gaps(vec![[0, usize::MAX]]);
    let mut end = 0;
    for (mut starting, ending) in starting.into_iter().zip(ending) {
        starting.sort_by_key(|&index| Reverse(allocations[index].len));
        for index in starting {
            offsets[index] = gaps.allocate(&allocations[index]);
            end = end.max(offsets[index] + allocations[index].size());
        }
        for index in ending {
            gaps.free(offsets[index], offsets[index] + allocations[index].size());
        }
    }
    (offsets, end)
}

/// Like [`forward_in_time`], from the last step to the first.
fn backward_in_time(allocations: &[Allocation], steps: usize) -> Placed {
    let mirrored = |&Allocation { len, alive: [first, last] }: &Allocation| Allocation {
        len,
        alive: [steps - 1 - last, steps - 1 - first],
    };
    forward_in_time(&allocations.iter().map(mirrored).collect::<Vec<Allocation>>(), steps)
}

/// The free ranges, sorted by address; the last one is unbounded.
struct Gaps(Vec<[usize; 2]>);

impl Gaps {
    /// Allocates from the smallest sufficient gap (best fit).
    fn allocate(&mut self, allocation: &Allocation) -> usize {
        let mut best = self.0.len() - 1;
        for (index, [from, to]) in self.0.iter().enumerate() {
            if allocation.start(*from) + allocation.size() <= *to && to - from < self.0[best][1] - self.0[best][0] {
                best = index;
            }
        }
        let [from, to] = self.0[best];
        let start = allocation.start(from);
        let rest = [[from, start], [start + allocation.size(), to]];
        self.0.splice(best..=best, rest.into_iter().filter(|[from, to]| from < to));
        start
    }

    /// Frees the range from `from` to `to` and merges it with adjacent gaps.
    fn free(&mut self, mut from: usize, mut to: usize) {
        let after = self.0.partition_point(|gap| gap[0] < from);
        let mut replaced = after..after;
        if after > 0 && self.0[after - 1][1] == from {
            from = self.0[after - 1][0];
            replaced.start -= 1;
        }
        if self.0[after][0] == to {
            to = self.0[after][1];
            replaced.end += 1;
        }
        self.0.splice(replaced, [[from, to]]);
    }
}

/// Places the largest allocations first, each in the smallest sufficient gap between those already placed with overlapping lifetimes.
fn largest_first(allocations: &[Allocation], _steps: usize) -> Placed {
    in_order(allocations, |allocation| (Reverse(allocation.len), Reverse(allocation.alive[1] - allocation.alive[0])))
}

/// Places the allocations with the longest lifetimes first.
fn longest_first(allocations: &[Allocation], _steps: usize) -> Placed {
    in_order(allocations, |allocation| (Reverse(allocation.alive[1] - allocation.alive[0]), Reverse(allocation.len)))
}

fn in_order<K: Ord>(allocations: &[Allocation], key: impl Fn(&Allocation) -> K) -> Placed {
    let mut order: Vec<usize> = (0..allocations.len()).collect();
    order.sort_by_key(|&index| key(&allocations[index]));
    let mut offsets = vec![0; allocations.len()];
    // The placed allocations, sorted by offset: offset, end, first and last step.
    let mut placed: Vec<[usize; 4]> = Vec::with_capacity(allocations.len());
    for index in order {
        let allocation = &allocations[index];
        let (size, [first, last]) = (allocation.size(), allocation.alive);
        let (mut free, mut best) = (0, None);
        for &[offset, end, from, to] in &placed {
            if to < first || last < from {
                continue;
            }
            let start = allocation.start(free);
            if offset >= start + size && best.is_none_or(|(gap, _)| offset - free < gap) {
                best = Some((offset - free, start));
            }
            free = free.max(end);
        }
        let offset = best.map_or(allocation.start(free), |(_, start)| start);
        offsets[index] = offset;
        let at = placed.partition_point(|other| other[0] < offset);
        placed.insert(at, [offset, offset + size, first, last]);
    }
    let end = placed.iter().map(|[_, end, ..]| *end).max().unwrap_or(0);
    (offsets, end)
}
