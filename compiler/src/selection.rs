//! Kernel selection: the candidates that an operation offers for each direction, and the selected one.

pub use netwright_abi::Direction;

use crate::cost::Work;
use crate::ids::ValueId;
use crate::ops::{Pack, Phase};

/// A kernel that can compute a node in one direction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// Its word after the option `kernel`.
    pub name: &'static str,
    /// The reason why it is fast or slow.
    pub why: &'static str,
    /// Its work for one image.
    pub work: Work,
    /// The packing of its weights, once for all predictions or once per training step. Of two candidates with the same name, only one reads
    /// packed weights.
    pub packing: Option<Pack>,
    /// The approximate number of elements of its scratch memory and prepared weights; 0 if it needs none.
    pub memory: usize,
}

/// The criterion by which a candidate is selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Objective {
    /// The least estimated time.
    Speed,
    /// The least memory; among several with equal memory, the least estimated time.
    Memory,
}

impl Objective {
    /// The default objective of a phase. For predictions it is speed with the feature `speed`, which the facade's `std` enables; training has a
    /// heap.
    pub const fn of(phase: Phase) -> Self {
        match phase {
            Phase::Predicting if !cfg!(feature = "speed") => Self::Memory,
            Phase::Predicting | Phase::Training => Self::Speed,
        }
    }
}

/// The selected candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selected {
    /// The direction it is selected for.
    pub direction: Direction,
    /// [`Candidate::name`].
    pub name: &'static str,
    /// The reason, with its estimated time and that of the runner-up.
    pub why: String,
    /// Its prepared weights, if it reads prepared weights.
    pub prepared: Option<ValueId>,
}
