//! The largest deviation of each kind, and its position.

use std::fmt;

use netwright::Architecture;

/// The allowed deviations of a network.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tolerance {
    /// Logits, relative to the largest; the values of layers, relative to their root mean square.
    pub(crate) forward: f64,
    /// Losses, relative.
    pub(crate) loss: f64,
    /// Norms of gradients, relative.
    pub(crate) gradient: f64,
    /// Sums and probes of gradients, relative to each tensor's norm; `None` where rounding changes the choice of rectifiers and pools, so that
    /// single elements are not comparable.
    pub(crate) probes: Option<f64>,
    /// Logits, which the golden file has with the digits of an f32.
    pub(crate) rounded: f64,
}

/// Each test uses some of these.
#[allow(dead_code)]
impl Tolerance {
    /// For a small network in single precision.
    pub(crate) const F32: Self = Self { forward: 1e-4, loss: 1e-4, gradient: 1e-4, probes: Some(1e-4), rounded: 0.0 };
    /// For a small network in double precision; the golden values have ten digits, logits eight.
    pub(crate) const F64: Self = Self { forward: 1e-9, loss: 1e-9, gradient: 1e-9, probes: Some(1e-9), rounded: 2e-7 };
    /// For a deep network in single precision: rounding switches one rectifier in millions, which changes gradients by about 1e-4.
    pub(crate) const DEEP: Self = Self { forward: 1e-4, loss: 1e-4, gradient: 1e-3, probes: None, rounded: 0.0 };
    /// For one with batch normalisation, which spreads this change to all values: gradients deviate by a hundredth in PyTorch and TensorFlow, too.
    pub(crate) const NORMALISED: Self = Self { forward: 1e-4, loss: 1e-4, gradient: 3e-2, probes: None, rounded: 0.0 };
}

/// The kind of a compared value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Logits,
    Layers,
    Loss,
    Gradients,
    Probes,
    Moving,
    Trajectory,
}

const KINDS: [(Kind, &str); 7] = [
    (Kind::Logits, "logits"),
    (Kind::Layers, "layers"),
    (Kind::Loss, "loss"),
    (Kind::Gradients, "gradients"),
    (Kind::Probes, "their numbers"),
    (Kind::Moving, "moving statistics"),
    (Kind::Trajectory, "trajectories"),
];

/// The largest deviation of each kind, and all failures.
#[derive(Debug)]
pub(super) struct Figures {
    network: String,
    pub(super) tolerance: Tolerance,
    worst: Vec<Worst>,
    failures: Vec<String>,
}

#[derive(Debug)]
struct Worst {
    kind: Kind,
    compared: usize,
    off: f64,
    place: String,
}

impl Figures {
    pub(super) fn new<N: Architecture>(tolerance: Tolerance) -> Self {
        let precision = std::any::type_name::<N::Scalar>();
        Self { network: format!("{} in {precision}", N::NAME), tolerance, worst: Vec::new(), failures: Vec::new() }
    }

    /// Records a deviation at `place`, of which `most` is allowed.
    pub(super) fn note(&mut self, kind: Kind, off: f64, most: f64, place: impl fmt::Display) {
        if off.is_nan() || off > most {
            self.failures.push(format!("{place} is off by {off:.1e}, and {most:.1e} is allowed"));
        }
        match self.worst.iter_mut().find(|worst| worst.kind == kind) {
            Some(worst) => {
                worst.compared += 1;
                if off.is_nan() || off > worst.off {
                    (worst.off, worst.place) = (off, place.to_string());
                }
            }
            None => self.worst.push(Worst { kind, compared: 1, off, place: place.to_string() }),
        }
    }

    /// Returns the largest deviation of a kind so far.
    pub(super) fn worst(&self, kind: Kind) -> f64 {
        self.worst.iter().find(|worst| worst.kind == kind).map_or(0.0, |worst| worst.off)
    }

    /// Records a failure that is no deviation.
    pub(super) fn wrong(&mut self, what: String) {
        self.failures.push(what);
    }

    /// Prints the figures, and panics if one was too large.
    pub(super) fn conclude(self) {
        let mut line = format!("{:<26}", self.network);
        for (kind, name) in KINDS {
            if let Some(worst) = self.worst.iter().find(|worst| worst.kind == kind) {
                line += &format!(" | {name} {:.1e} ({} of {})", worst.off, worst.place, worst.compared);
            }
        }
        println!("{line}");
        let more = self.failures.len().saturating_sub(12);
        assert!(
            self.failures.is_empty(),
            "{}:\n{}\n… and {more} more",
            self.network,
            self.failures[..self.failures.len().min(12)].join("\n")
        );
    }
}
