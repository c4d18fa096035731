//! Offsets for allocations of memory, so that those alive at the same time do not overlap, in as little as can be found: offline storage
//! allocation, which is NP-hard, by a few orders of which the best is kept.

use std::cmp::Reverse;

/// Memory that is needed for a while.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allocation {
    /// How many elements.
    pub(super) len: usize,
    /// The first and the last step that needs it.
    pub(super) alive: [usize; 2],
}

/// An allocation starts at a cache line, a small one where that would waste more than a sixteenth at a part of one.
fn alignment(len: usize) -> usize {
    const LINE: usize = 16;
    let sixteenth = (len / LINE).clamp(1, LINE);
    1 << sixteenth.ilog2()
}

impl Allocation {
    /// Its length in whole alignments.
    fn room(&self) -> usize {
        self.len.next_multiple_of(alignment(self.len))
    }

    /// The first place from `free` on where it may start.
    fn start(&self, free: usize) -> usize {
        free.next_multiple_of(alignment(self.len))
    }
}

/// The largest sum of what is alive at one step.
pub(super) fn most_alive(allocations: &[Allocation], steps: usize, len: fn(&Allocation) -> usize) -> usize {
    let (mut born, mut dead) = (vec![0; steps + 1], vec![0; steps + 1]);
    for allocation in allocations {
        born[allocation.alive[0]] += len(allocation);
        dead[allocation.alive[1] + 1] += len(allocation);
    }
    let alive = born.iter().zip(&dead).scan(0, |alive, (born, dead)| {
        *alive = *alive + born - dead;
        Some(*alive)
    });
    alive.max().unwrap_or(0)
}

/// The offset of each allocation, and the elements of all together.
type Placed = (Vec<usize>, usize);

/// A way to place allocations that are alive within so many steps.
type Order = fn(&[Allocation], usize) -> Placed;

/// More allocations than this are placed in the order of time alone: the other orders look at every pair.
const PAIRS_ARE_LOOKED_AT: usize = 16_384;

/// Places allocations.
pub(super) fn allocate(allocations: &[Allocation], steps: usize) -> Placed {
    let bound = most_alive(allocations, steps, Allocation::room);
    let orders: [Order; 4] = [forward_in_time, backward_in_time, largest_first, longest_first];
    let orders = if allocations.len() > PAIRS_ARE_LOOKED_AT { &orders[..2] } else { &orders[..] };
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

/// As the program runs: each allocation takes the smallest gap that it fits when it is born, and leaves it when it dies.
fn forward_in_time(allocations: &[Allocation], steps: usize) -> Placed {
    let (mut born, mut dead) = (vec![Vec::new(); steps], vec![Vec::new(); steps]);
    for (index, allocation) in allocations.iter().enumerate() {
        born[allocation.alive[0]].push(index);
        dead[allocation.alive[1]].push(index);
    }
    let mut offsets = vec![0; allocations.len()];
    let mut gaps = Gaps(vec![[0, usize::MAX]]);
    let mut end = 0;
    for (mut born, dead) in born.into_iter().zip(dead) {
        born.sort_by_key(|&index| Reverse(allocations[index].len));
        for index in born {
            offsets[index] = gaps.take(&allocations[index]);
            end = end.max(offsets[index] + allocations[index].room());
        }
        for index in dead {
            gaps.give_back(offsets[index], offsets[index] + allocations[index].room());
        }
    }
    (offsets, end)
}

/// As if the program ran from its end to its start.
fn backward_in_time(allocations: &[Allocation], steps: usize) -> Placed {
    let mirrored = |&Allocation { len, alive: [first, last] }: &Allocation| Allocation {
        len,
        alive: [steps - 1 - last, steps - 1 - first],
    };
    forward_in_time(&allocations.iter().map(mirrored).collect::<Vec<Allocation>>(), steps)
}

/// What is free, in the order of addresses; the last gap has no end.
struct Gaps(Vec<[usize; 2]>);

impl Gaps {
    /// Takes room for an allocation from the smallest gap that it fits.
    fn take(&mut self, allocation: &Allocation) -> usize {
        let mut best = self.0.len() - 1;
        for (index, [from, to]) in self.0.iter().enumerate() {
            if allocation.start(*from) + allocation.room() <= *to && to - from < self.0[best][1] - self.0[best][0] {
                best = index;
            }
        }
        let [from, to] = self.0[best];
        let start = allocation.start(from);
        let rest = [[from, start], [start + allocation.room(), to]];
        self.0.splice(best..=best, rest.into_iter().filter(|[from, to]| from < to));
        start
    }

    /// Joins what lies between `from` and `to` with the gaps beside it.
    fn give_back(&mut self, mut from: usize, mut to: usize) {
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

/// The largest allocations first, each in the smallest gap among those placed before that live at the same time.
fn largest_first(allocations: &[Allocation], _steps: usize) -> Placed {
    one_by_one(allocations, |allocation| (Reverse(allocation.len), Reverse(allocation.alive[1] - allocation.alive[0])))
}

/// The allocations that live longest first.
fn longest_first(allocations: &[Allocation], _steps: usize) -> Placed {
    one_by_one(allocations, |allocation| (Reverse(allocation.alive[1] - allocation.alive[0]), Reverse(allocation.len)))
}

fn one_by_one<K: Ord>(allocations: &[Allocation], key: impl Fn(&Allocation) -> K) -> Placed {
    let mut order: Vec<usize> = (0..allocations.len()).collect();
    order.sort_by_key(|&index| key(&allocations[index]));
    let mut offsets = vec![0; allocations.len()];
    // Those placed, in the order of their offsets: offset, end, first and last step.
    let mut placed: Vec<[usize; 4]> = Vec::with_capacity(allocations.len());
    for index in order {
        let allocation = &allocations[index];
        let (room, [first, last]) = (allocation.room(), allocation.alive);
        let (mut free, mut best) = (0, None);
        for &[offset, end, from, to] in &placed {
            if to < first || last < from {
                continue;
            }
            let start = allocation.start(free);
            if offset >= start + room && best.is_none_or(|(gap, _)| offset - free < gap) {
                best = Some((offset - free, start));
            }
            free = free.max(end);
        }
        let offset = best.map_or(allocation.start(free), |(_, start)| start);
        offsets[index] = offset;
        let at = placed.partition_point(|other| other[0] < offset);
        placed.insert(at, [offset, offset + room, first, last]);
    }
    let end = placed.iter().map(|[_, end, ..]| *end).max().unwrap_or(0);
    (offsets, end)
}
