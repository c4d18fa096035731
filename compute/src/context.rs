//! The execution context of a kernel: the batch size, the instruction set, and the threads. It needs `core` alone.

// The work on a part is a `dyn` function, so that all kernels share the code that splits.
#![allow(clippy::type_complexity)]

use core::ops::Range;

use netwright_abi::LANES;
use netwright_abi::spec::Windowed;

use crate::simd::Isa;

/// The least multiply-adds of a part: they take several times longer than handing the part to another thread.
pub(crate) const WORTH_A_THREAD: usize = 1 << 19;

/// The least elements of a part of a memory-bound loop for which another thread pays.
pub(crate) const ELEMENTS_WORTH_A_THREAD: usize = 1 << 15;

/// The batch size of a kernel call, the instruction set, and the threads that it may use.
///
/// A context is made once for all kernels of a pass, and the instruction set is detected there. An [`Isa`] is proof that the processor has
/// the instruction set, so that a kernel never executes instructions that are missing.
///
/// The share of the work that one thread computes is called a *part*. Each thread has scratch memory of its own: a kernel that needs
/// scratch receives [`Context::threads`] times the scratch of one thread.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The number of images.
    pub batch: usize,
    isa: Isa,
    threads: usize,
    fork: Option<&'a dyn Fork>,
}

/// A pool of threads that runs two halves of a kernel's work in parallel.
pub trait Fork: Sync {
    /// Returns the number of threads.
    fn threads(&self) -> usize;
    /// Calls both closures, in parallel where another thread is idle, and returns when both have returned.
    fn join(&self, left: &mut (dyn FnMut() + Send), right: &mut (dyn FnMut() + Send));
}

/// The threads that a pass may use: the caller's thread alone, or the threads of a [`Fork`].
#[derive(Clone, Copy, Default)]
pub struct PassThreads<'a>(Option<&'a dyn Fork>);

impl<'a> PassThreads<'a> {
    /// The caller's thread alone.
    pub const CALLER: Self = Self(None);

    /// The threads of `fork`.
    pub const fn of(fork: &'a dyn Fork) -> Self {
        Self(Some(fork))
    }

    /// Returns the context of a pass over `batch` images.
    pub fn context(self, batch: usize) -> Context<'a> {
        self.0.map_or(Context::of(batch), |fork| Context::on(batch, fork))
    }
}

/// Equal where both use the same pool of threads, or both the caller's thread.
impl PartialEq for PassThreads<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self.0, other.0) {
            (Some(one), Some(other)) => core::ptr::addr_eq(one, other),
            (one, other) => one.is_none() && other.is_none(),
        }
    }
}

impl Eq for PassThreads<'_> {}

impl core::fmt::Debug for PassThreads<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} threads", self.context(0).threads())
    }
}

impl<'a> Context<'a> {
    /// A context of `batch` images on the caller's thread, with the widest instruction set of the processor.
    pub fn of(batch: usize) -> Self {
        Self { batch, isa: Isa::detect(), threads: 1, fork: None }
    }

    /// A context of `batch` images on the threads of `fork`, with the widest instruction set of the processor.
    pub fn on(batch: usize, fork: &'a dyn Fork) -> Self {
        Self { threads: fork.threads().max(1), fork: Some(fork), ..Self::of(batch) }
    }

    /// The same context with another instruction set: see [`Isa::of`].
    #[must_use]
    pub const fn with_isa(self, isa: Isa) -> Self {
        Self { isa, ..self }
    }

    /// The same context for one image on the caller's thread: for a part of the work, which is not split again.
    pub(crate) const fn alone(self) -> Self {
        Self { batch: 1, threads: 1, fork: None, ..self }
    }

    /// Returns the instruction set that kernels run with.
    pub const fn isa(&self) -> Isa {
        self.isa
    }

    /// The same context for `batch` images.
    pub(crate) const fn of_images(self, batch: usize) -> Self {
        Self { batch, ..self }
    }

    /// The same context with a batch of blocks of [`LANES`] images, the last of which may be partial: for kernels whose lanes are images.
    #[must_use]
    pub const fn of_blocks(self) -> Self {
        Self { batch: self.batch.div_ceil(LANES), ..self }
    }

    /// The same context with the batch rounded up to whole blocks of [`LANES`] images: it includes the images that pad the last block.
    #[must_use]
    pub const fn in_whole_blocks(self) -> Self {
        Self { batch: self.batch.next_multiple_of(LANES), ..self }
    }

    /// Returns the number of threads that a kernel may use.
    pub const fn threads(&self) -> usize {
        self.threads
    }

    /// Runs `work` on parts of all images, split by rows of the output as in [`Context::split_rows`]. `work` receives the sizes of its
    /// part, the part of x that its windows read, the part of y, and scratch memory. Consecutive whole images of a part are one call of
    /// `work`.
    pub fn split_windows<S: Windowed + Sync, T: Send + Sync>(
        &self,
        spec: &S,
        x: &[T],
        y: &mut [T],
        scratch: &mut [T],
        work: &(dyn Fn(&S, &[T], &mut [T], &mut [T]) + Sync),
    ) {
        let [[height, width, channels], [rows, columns, filters]] = spec.shapes();
        let least = WORTH_A_THREAD.div_ceil(spec.work_of_row().max(1));
        let (row_in, row_out) = (width * channels, columns * filters);
        if self.threads == 1 || rows * row_out == 0 || y.len() / row_out < 2 * least {
            let share = self.share(scratch);
            return work(spec, x, y, &mut scratch[..share]);
        }
        self.split_rows(y, row_out, least, scratch, &|first, mut y, scratch| {
            let mut first = first;
            while !y.is_empty() {
                let (image, row, left) = (first / rows, first % rows, y.len() / row_out);
                let count = if row == 0 && left >= rows { left / rows * rows } else { left.min(rows - row) };
                let (part, rest) = core::mem::take(&mut y).split_at_mut(count * row_out);
                let x = &x[image * height * row_in..][..count.div_ceil(rows) * height * row_in];
                if count >= rows {
                    work(spec, x, part, scratch);
                } else {
                    let (sizes, reached) = spec.of_rows(row..row + count);
                    work(&sizes, &x[reached.start * row_in..reached.end * row_in], part, scratch);
                }
                (first, y) = (first + count, rest);
            }
        });
    }

    /// Runs `work` on parts of a batch of inputs, split by images. `work` receives the index of its first image, the inputs of its images,
    /// and scratch memory.
    pub fn split_images<S: Windowed, T: Send>(
        &self,
        spec: &S,
        inputs: &mut [T],
        scratch: &mut [T],
        work: &(dyn Fn(usize, &mut [T], &mut [T]) + Sync),
    ) {
        let [[height, width, channels], [rows, ..]] = spec.shapes();
        let least = WORTH_A_THREAD.div_ceil((rows * spec.work_of_row()).max(1));
        self.split_rows(inputs, height * width * channels, least, scratch, work);
    }

    /// Runs `work` on parts of `values`, which are whole rows of `row` elements, for loops of at most a few operations per element. `work`
    /// receives the index of its first element and the elements.
    pub fn split_elements<T: Send>(&self, values: &mut [T], row: usize, work: &(dyn Fn(usize, &mut [T]) + Sync)) {
        let least = ELEMENTS_WORTH_A_THREAD.div_ceil(row.max(1));
        self.split_rows(values, row, least, &mut [], &|first, values, _| work(first * row, values));
    }

    /// Splits `rows`, each of `row` elements, into at most one part per thread, of at least `least` rows each. Calls `work` in parallel with
    /// the index of the first row, the rows, and the scratch memory of each part.
    ///
    /// The result of a row must not depend on the split: then any number of threads gives the same bits.
    pub fn split_rows<T: Send>(
        &self,
        rows: &mut [T],
        row: usize,
        least: usize,
        scratch: &mut [T],
        work: &(dyn Fn(usize, &mut [T], &mut [T]) + Sync),
    ) {
        self.halve(
            rows.len().checked_div(row).unwrap_or(0),
            least,
            (0, rows),
            scratch,
            &|(first, rows), low, parts| {
                let middle = rows.len() / row * low / parts;
                let (low_rows, high_rows) = rows.split_at_mut(middle * row);
                [(first, low_rows), (first + middle, high_rows)]
            },
            &|(first, rows), scratch| work(first, rows, scratch),
        );
    }

    /// Splits the range `0..count` as [`Context::split_rows`] splits rows. `work` receives the range of its part, and scratch memory.
    pub fn split_count<T: Send>(
        &self,
        count: usize,
        least: usize,
        scratch: &mut [T],
        work: &(dyn Fn(Range<usize>, &mut [T]) + Sync),
    ) {
        self.halve(
            count,
            least,
            0..count,
            scratch,
            &|all, low, parts| {
                let middle = all.start + all.len() * low / parts;
                [all.start..middle, middle..all.end]
            },
            work,
        );
    }

    /// Splits the columns of `rows` as [`Context::split_rows`] splits rows, at multiples of `unit` columns; each part has at least `least`
    /// units, and the last part also has the columns beyond the last whole unit. All `rows` have the same length, or are empty. `work`
    /// receives the index of its first column, its columns of each row, and scratch memory.
    pub fn split_columns<T: Send, const N: usize>(
        &self,
        rows: [&mut [T]; N],
        unit: usize,
        least: usize,
        scratch: &mut [T],
        work: &(dyn Fn(usize, &mut [&mut [T]; N], &mut [T]) + Sync),
    ) {
        let width = rows.iter().map(|row| row.len()).max().unwrap_or(0);
        self.halve(
            width / unit,
            least,
            (0..width, rows),
            scratch,
            &|(all, rows), low, parts| {
                let middle = all.len() / unit * low / parts * unit;
                let (mut high, mut high_rows) = (0, core::array::from_fn(|_| Default::default()));
                let low_rows = rows.map(|row: &mut [T]| {
                    let (low, rest) = row.split_at_mut(middle.min(row.len()));
                    high_rows[high] = rest;
                    high += 1;
                    low
                });
                let middle = all.start + middle;
                [(all.start..middle, low_rows), (middle..all.end, high_rows)]
            },
            &|(all, mut rows), scratch| work(all.start, &mut rows, scratch),
        );
    }

    /// Returns the elements of scratch memory that one thread has. A part has no more where there are fewer parts than threads, because the
    /// length may decide the order of a sum.
    fn share<T>(&self, scratch: &[T]) -> usize {
        scratch.len() / self.threads
    }

    /// Runs `work` on parts of `all`, which consists of `count` units; each part has at least `least` units, and the scratch memory of one
    /// thread. `cut(part, low, parts)` splits off the first `low` of `parts` equal shares.
    fn halve<P: Send, T: Send>(
        &self,
        count: usize,
        least: usize,
        all: P,
        scratch: &mut [T],
        cut: &(dyn Fn(P, usize, usize) -> [P; 2] + Sync),
        work: &(dyn Fn(P, &mut [T]) + Sync),
    ) {
        let (parts, share) = ((count / least.max(1)).clamp(1, self.threads), self.share(scratch));
        let scratch = &mut scratch[..parts * share];
        match self.fork {
            Some(fork) if parts > 1 => halve(fork, parts, all, scratch, cut, work),
            _ => work(all, scratch),
        }
    }
}

impl core::fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Context({} images, {}, {} threads)", self.batch, self.isa.name(), self.threads)
    }
}

/// Splits recursively. It is never inlined: the compiler would inline it into itself, which is much code for each type of part.
#[inline(never)]
fn halve<P: Send, T: Send>(
    fork: &dyn Fork,
    parts: usize,
    all: P,
    scratch: &mut [T],
    cut: &(dyn Fn(P, usize, usize) -> [P; 2] + Sync),
    work: &(dyn Fn(P, &mut [T]) + Sync),
) {
    if parts == 1 {
        return work(all, scratch);
    }
    let low = parts / 2;
    let [mut left, mut right] = cut(all, low, parts).map(Some);
    let (low_scratch, high_scratch) = scratch.split_at_mut(scratch.len() / parts * low);
    fork.join(
        &mut || left.take().into_iter().for_each(|left| halve(fork, low, left, low_scratch, cut, work)),
        &mut || right.take().into_iter().for_each(|right| halve(fork, parts - low, right, high_scratch, cut, work)),
    );
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A pool that runs its closures one after the other, the right one first.
    pub(crate) struct SerialFork(pub(crate) usize);

    impl Fork for SerialFork {
        fn threads(&self) -> usize {
            self.0
        }
        fn join(&self, left: &mut (dyn FnMut() + Send), right: &mut (dyn FnMut() + Send)) {
            right();
            left();
        }
    }

    #[test]
    fn every_column_is_in_one_part() {
        for (threads, width, unit, least) in [(1, 5, 2, 1), (2, 9, 2, 1), (3, 100, 8, 2), (7, 31, 4, 1), (2, 3, 4, 1)] {
            let (mut rows, mut scratch) = (vec![0.0; width * 2], vec![0.0; threads]);
            let (first, second) = rows.split_at_mut(width);
            let fork = SerialFork(threads);
            Context::on(1, &fork).split_columns(
                [first, second, &mut []],
                unit,
                least,
                &mut scratch,
                &|start, rows, scratch| {
                    assert!(start % unit == 0 && rows[0].len() >= (unit * least).min(width) && rows[2].is_empty());
                    assert!(scratch.iter().all(|&used| used == 0.0), "scratch of another part");
                    scratch.fill(1.0);
                    for (row, columns) in rows[..2].iter_mut().enumerate() {
                        columns
                            .iter_mut()
                            .enumerate()
                            .for_each(|(at, element)| *element += (row * width + start + at) as f64);
                    }
                },
            );
            assert!(rows.iter().enumerate().all(|(index, &element)| element == index as f64), "{rows:?}");
        }
    }

    #[test]
    fn every_row_is_in_one_part_with_its_own_scratch() {
        for (threads, count, least) in [(1, 5, 1), (2, 5, 1), (3, 7, 2), (7, 100, 1), (7, 3, 1), (4, 9, 4), (2, 0, 1)] {
            let (mut rows, mut scratch) = (vec![0.0; count * 3], vec![0.0; 10 * threads]);
            let fork = SerialFork(threads);
            Context::on(1, &fork).split_rows(&mut rows, 3, least, &mut scratch, &|first, rows, scratch| {
                assert!(scratch.len() == 10 && scratch.iter().all(|&used| used == 0.0), "scratch of another part");
                scratch.fill(1.0);
                assert!(rows.len() >= least.min(count) * 3, "a part of too few rows");
                for (index, row) in rows.chunks_exact_mut(3).enumerate() {
                    row.iter_mut().for_each(|element| *element += (first + index + 1) as f64);
                }
            });
            for (index, row) in rows.chunks_exact(3).enumerate() {
                assert_eq!(row, [(index + 1) as f64; 3]);
            }
        }
    }
}
