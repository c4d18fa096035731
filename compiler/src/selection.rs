//! What can be selected for a node: for each direction, the candidates that its operation offers, and which of them was taken.

pub use netwright_abi::Direction;

use crate::cost::Work;
use crate::ids::ValueId;
use crate::ops::{Pack, Phase};

/// A way to compute a node in one direction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// The word for it behind the option `kernel`.
    pub name: &'static str,
    /// What makes it fast or slow.
    pub why: &'static str,
    /// What it takes, for one image.
    pub work: Work,
    /// How the weights are prepared for it, once for all predictions or once a step of training. Of two candidates of one name, one reads
    /// them so.
    pub packing: Option<Pack>,
    /// Elements of scratch memory and of prepared weights that it asks for, about; none where it is 0.
    pub memory: usize,
}

/// What the best candidate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Objective {
    /// The fastest.
    Speed,
    /// The one that asks for the least memory, of several the fastest.
    Memory,
}

impl Objective {
    /// That of a phase where the text asks for none: of a prediction it is speed with the feature `speed`, which the facade's `std` turns on. Training has a heap.
    pub const fn of(phase: Phase) -> Self {
        match phase {
            Phase::Predicting if !cfg!(feature = "speed") => Self::Memory,
            Phase::Predicting | Phase::Training => Self::Speed,
        }
    }
}

/// The candidate that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selected {
    /// For what.
    pub direction: Direction,
    /// [`Candidate::name`].
    pub name: &'static str,
    /// Why, with its estimated time, and what the runner-up would have taken.
    pub why: String,
    /// The weights in the form that it reads, where they are prepared.
    pub prepared: Option<ValueId>,
}
