//! Fused updates: the optimiser's update computes gradients of dense weights block by block, so that they are neither stored nor read again.

use core::ops::Range;

use netwright_compute::gemm::{Library, library};
use netwright_compute::kernels::dense::gradient_blocks_scratch;
use netwright_compute::simd::Isa;

use crate::architecture::FusedGradient;
use crate::memory::Buffer;
use crate::once::Number;
use crate::optim::StepParts;
use crate::pass::Pass;
use crate::scalar::Precision;
use crate::threads::Threads;

/// The smallest number of multiply-adds in a share of a gradient for which using another thread pays.
const MIN_MACS_PER_THREAD: usize = 1 << 19;

/// The gradients that an engine leaves to the update, and the memory for it.
pub(crate) struct Fusion<T> {
    all: &'static [FusedGradient],
    /// Those that are left to the update in this step.
    chosen: Vec<FusedGradient>,
    /// The ranges of parameters whose gradients the passes compute: those between the chosen.
    computed: Vec<Range<usize>>,
    parameters: usize,
    /// Scratch memory, in equal shares for all threads.
    scratch: Buffer<T>,
    /// Whether the user of the engine needs the whole gradient of each step.
    pub(super) is_off: bool,
}

impl<T: Precision> Fusion<T> {
    /// Prepares for batches of up to `batch` images on `threads` threads, of a network whose update can compute the gradients `all`.
    pub(super) fn new(all: &'static [FusedGradient], parameters: usize, batch: usize, threads: usize) -> Self {
        // Other libraries do not specify the order of their sums, so that fused updates would not give the same bits.
        let all = if library::<T>() == Library::Netwright { all } else { &[] };
        let scratch = all.iter().map(|gradient| gradient_blocks_scratch(batch, gradient.columns)).max().unwrap_or(0);
        let mut computed = Vec::with_capacity(all.len() + 1);
        computed.push(0..parameters);
        let chosen = Vec::with_capacity(all.len());
        Self { all, chosen, computed, parameters, scratch: Buffer::zeros(scratch * threads), is_off: false }
    }

    /// Chooses all gradients that can be left to the update in a step of this pass; returns whether the choice has changed.
    pub(super) fn choose(&mut self, pass: &Pass) -> bool {
        let trained = || self.all.iter().filter(|gradient| pass.trains(gradient.layer));
        if trained().eq(&self.chosen) {
            return false;
        }
        self.chosen.clear();
        self.chosen.extend(self.all.iter().filter(|gradient| pass.trains(gradient.layer)));
        self.computed.clear();
        let mut end = 0;
        for gradient in &self.chosen {
            self.computed.push(end..gradient.weights);
            end = gradient.range().end;
        }
        self.computed.push(end..self.parameters);
        true
    }

    /// Leaves no gradients to the update.
    pub(super) fn stop(&mut self) {
        self.chosen.clear();
        self.computed.clear();
        self.computed.push(0..self.parameters);
    }

    /// Returns whether any gradient is left to the update in this step.
    pub(super) fn is_on(&self) -> bool {
        !self.chosen.is_empty()
    }

    /// Returns the ranges of parameters whose gradients the passes of this step compute.
    pub(super) fn computed(&self) -> &[Range<usize>] {
        &self.computed
    }

    /// Returns the gradients that are left to the update in this step, and its scratch memory.
    pub(super) fn parts(&mut self) -> (&[FusedGradient], &mut [T]) {
        (&self.chosen, &mut self.scratch)
    }
}

/// Returns the factors L and R of a gradient for the micro-batch of an index.
pub(crate) type Factors<'f, T> = dyn Fn(&FusedGradient, usize) -> [&'f [T]; 2] + Sync + 'f;

/// The gradients after the passes of a step: for those that are left to the update the factors, for the others all elements.
pub struct Fused<'f, T> {
    pub(super) left: &'f [FusedGradient],
    pub(super) micro_batches: usize,
    /// The instruction set of the passes.
    pub(super) isa: Isa,
    pub(super) factors: &'f Factors<'f, T>,
    /// The gradients of all parameters.
    pub(super) gradients: &'f [T],
    pub(super) threads: &'f Threads,
}

impl<T: Number> Fused<'_, T> {
    /// Returns whether all elements of the gradients that are left to the update are certainly finite.
    pub(crate) fn is_surely_finite(&self) -> bool {
        let finite = |left| T::is_surely_finite(self.isa, self.micro_batches, &|index| (self.factors)(left, index));
        self.left.iter().all(finite)
    }

    /// Updates all parameters.
    pub(crate) fn update(&self, parts: StepParts<'_, T>, scratch: &mut [T]) {
        let (mut parts, mut done) = (parts, 0);
        for left in self.left {
            let range = left.range();
            let (plain, others) = parts.split_at(range.start - done);
            plain.apply_on(self.threads, &self.gradients[done..range.start]);
            let (own, others) = others.split_at(range.len());
            let images: usize = (0..self.micro_batches).map(|index| (self.factors)(left, index)[1].len()).sum();
            let count = (images * left.rows / MIN_MACS_PER_THREAD).clamp(1, self.threads.count());
            self.rows(left, 0..left.rows, count, own, scratch);
            (parts, done) = (others, range.end);
        }
        parts.apply_on(self.threads, &self.gradients[done..]);
    }

    /// Updates some rows of the weights, in `parts` parts in parallel.
    fn rows(&self, left: &FusedGradient, rows: Range<usize>, parts: usize, own: StepParts<'_, T>, scratch: &mut [T]) {
        if parts == 1 {
            let mut own = own;
            let factors = |index| (self.factors)(left, index);
            let sizes = [left.rows, left.columns];
            let move_block = &mut |range: Range<usize>, block: &[T]| own.apply(range, block);
            return T::gradient_blocks(self.isa, sizes, rows, self.micro_batches, &factors, scratch, move_block);
        }
        let low = parts / 2;
        let middle = rows.start + rows.len() * low / parts;
        let (low_own, high_own) = own.split_at((middle - rows.start) * left.columns);
        let (low_scratch, high_scratch) = scratch.split_at_mut(scratch.len() / parts * low);
        self.threads.both(
            move || self.rows(left, rows.start..middle, low, low_own, low_scratch),
            move || self.rows(left, middle..rows.end, parts - low, high_own, high_scratch),
        );
    }
}

impl<T> core::fmt::Debug for Fused<'_, T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Fused of {} gradients in {} micro-batches", self.left.len(), self.micro_batches)
    }
}
