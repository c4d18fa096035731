//! Steps that are made part by part, in any order and on any thread.

use std::ops::Range;

use netwright_compute::simd::Isa;

use super::treatment::Moved;
use super::update::{self, AdamStep, GradientTreatment, RmsPropStep};
use crate::scalar::Precision;
use crate::threads::Threads;

/// The smallest number of parameters per thread for which using another thread pays.
const MIN_PARAMETERS_PER_THREAD: usize = 1 << 15;

/// Parts start at multiples of a cache line, as the parameters do.
const LINE: usize = 16;

/// The update rule of an optimiser, with the learning rate of the step.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rule<T> {
    /// w ← w − rate · g.
    Descent(T),
    /// The rate, μ, and whether to use Nesterov's form.
    Momentum(T, T, bool),
    Adam(AdamStep<T>),
    /// With momentum if there are two slices of state.
    RmsProp(RmsPropStep<T>),
}

/// The treatment of gradients before a [`Rule`] uses them: rates, penalties and clipping.
#[derive(Clone, Copy, Debug)]
pub(super) struct Treated<'a, T> {
    /// Ranges of parameters with the same treatment, in order; frozen ones are left out.
    pub(super) segments: &'a [(Range<usize>, Moved)],
    pub(super) rate: f64,
    /// The factors that clip the norm of the whole gradient.
    pub(super) factors: [T; 2],
    pub(super) limit: f64,
}

/// A step that [`Optimizer::begin_step`](super::Optimizer::begin_step) has begun: parameters with their state. The update of a parameter depends
/// on its own gradient alone, so that parts may be updated in any order and on any thread, with the same bits.
#[derive(Debug)]
pub struct StepParts<'a, T> {
    first: usize,
    weights: &'a mut [T],
    /// Each as long as the weights, or empty.
    state: [&'a mut [T]; 2],
    rule: Rule<T>,
    treated: Treated<'a, T>,
}

impl<'a, T: Precision> StepParts<'a, T> {
    pub(super) fn new(weights: &'a mut [T], state: [&'a mut [T]; 2], rule: Rule<T>, treated: Treated<'a, T>) -> Self {
        Self { first: 0, weights, state, rule, treated }
    }

    /// Returns the number of parameters.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.weights.len()
    }

    /// Splits off the first `middle` parameters.
    ///
    /// # Panics
    /// If there are fewer.
    pub fn split_at(self, middle: usize) -> (Self, Self) {
        let Self { first, weights, state, rule, treated } = self;
        let (low, high) = weights.split_at_mut(middle);
        let [[low0, high0], [low1, high1]] = state.map(|state| {
            let (low, high) = state.split_at_mut(middle.min(state.len()));
            [low, high]
        });
        let low = Self { first, weights: low, state: [low0, low1], rule, treated };
        (low, Self { first: first + middle, weights: high, state: [high0, high1], rule, treated })
    }

    /// Updates the parameters of a range of this part by their gradients.
    ///
    /// # Panics
    /// If the range is out of bounds, or the number of gradients differs from its length.
    pub fn apply(&mut self, range: Range<usize>, gradients: &[T]) {
        assert_eq!(range.len(), gradients.len(), "gradients for each parameter");
        let Treated { segments, rate, factors, limit } = self.treated;
        let (start, end) = (self.first + range.start, self.first + range.end);
        let isa = Isa::detect();
        let from = segments.partition_point(|(segment, _)| segment.end <= start);
        for (segment, Moved { strength, pace }) in &segments[from..] {
            if segment.start >= end {
                break;
            }
            let moved = segment.start.max(start)..segment.end.min(end);
            let own = moved.start - self.first..moved.end - self.first;
            let gradients = &gradients[moved.start - start..moved.end - start];
            let gradient = &GradientTreatment {
                factors,
                limit: T::from_f64(limit),
                l1: T::from_f64(strength.l1),
                l2: T::from_f64(strength.l2),
                pace: T::from_f64(*pace),
                keep: T::from_f64(1.0 - rate * pace * strength.weight_decay),
            };
            let weights = &mut self.weights[own.clone()];
            let [state0, state1] = &mut self.state;
            match self.rule {
                Rule::Descent(rate) => update::descend(isa, rate * gradient.pace, gradient, weights, gradients),
                Rule::Momentum(rate, share, nesterov) => {
                    let velocity = &mut state0[own];
                    update::momentum(
                        isa,
                        rate * gradient.pace,
                        share,
                        nesterov,
                        gradient,
                        weights,
                        gradients,
                        velocity,
                    );
                }
                Rule::Adam(step) => {
                    let step = AdamStep { rate: step.rate * gradient.pace, ..step };
                    update::adam(isa, &step, gradient, weights, gradients, &mut state0[own.clone()], &mut state1[own]);
                }
                Rule::RmsProp(step) => {
                    let step = RmsPropStep { rate: step.rate * gradient.pace, ..step };
                    if state1.is_empty() {
                        update::rms_prop(isa, &step, gradient, weights, gradients, &mut state0[own]);
                    } else {
                        let [squares, velocity] = [&mut state0[own.clone()], &mut state1[own]];
                        update::rms_prop_momentum(isa, &step, gradient, weights, gradients, squares, velocity);
                    }
                }
            }
        }
    }

    /// Updates all parameters of this part by their gradients, on `threads`.
    pub(crate) fn apply_on(mut self, threads: &Threads, gradients: &[T]) {
        let parts = threads.count().min(self.len() / MIN_PARAMETERS_PER_THREAD);
        if parts > 1 {
            self.halve(threads, parts, gradients);
        } else {
            self.apply(0..self.len(), gradients);
        }
    }

    fn halve(mut self, threads: &Threads, parts: usize, gradients: &[T]) {
        if parts == 1 {
            return self.apply(0..self.len(), gradients);
        }
        let low = parts / 2;
        let middle = self.len() / parts * low / LINE * LINE;
        let (low_gradients, high_gradients) = gradients.split_at(middle);
        let (first, rest) = self.split_at(middle);
        threads.both(
            move || first.halve(threads, low, low_gradients),
            move || rest.halve(threads, parts - low, high_gradients),
        );
    }
}
