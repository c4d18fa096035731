//! Which parameters are kept small, and how much.

use std::ops::Range;

use super::same_length;
use super::update::Gradient;
use crate::error::{Error, setting};
use crate::layer::{Layer, Role};
use crate::norm::norm;
use crate::scalar::Scalar;
use crate::settings::Settings;

/// The penalties and clipping of an optimiser.
#[derive(Clone, Debug)]
pub(super) struct Decay {
    general: Strength,
    overrides: Vec<(String, &'static str, f64)>,
    pub(super) biases: bool,
    pub(super) scales: bool,
    pub(super) clip_value: f64,
    pub(super) clip_norm: f64,
    resolved: Option<Resolved>,
}

/// How strongly a parameter is drawn to zero.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Strength {
    pub(super) l1: f64,
    pub(super) l2: f64,
    pub(super) weight_decay: f64,
}

/// The penalties of one network: neighbours of equal strength together, covering all parameters.
#[derive(Clone, Debug)]
struct Resolved {
    layers: Vec<Layer>,
    parameters: usize,
    segments: Vec<(Range<usize>, Strength)>,
}

impl Strength {
    fn slot(&mut self, name: &'static str) -> &mut f64 {
        match name {
            "l1" => &mut self.l1,
            "l2" => &mut self.l2,
            _ => &mut self.weight_decay,
        }
    }
}

impl Default for Decay {
    fn default() -> Self {
        Self {
            general: Strength::default(),
            overrides: Vec::new(),
            biases: false,
            scales: false,
            clip_value: f64::INFINITY,
            clip_norm: f64::INFINITY,
            resolved: None,
        }
    }
}

impl Decay {
    pub(super) fn set(&mut self, name: &'static str, value: f64) -> Result<(), Error> {
        *self.general.slot(name) = setting(name, value, value >= 0.0, "a number, at least 0")?;
        self.resolved = None;
        Ok(())
    }

    pub(super) fn set_for(&mut self, layer: &str, name: &'static str, value: f64) -> Result<(), Error> {
        let value = setting(name, value, value >= 0.0, "a number, at least 0")?;
        self.overrides.push((layer.to_owned(), name, value));
        self.resolved = None;
        Ok(())
    }

    /// Those that have been set.
    pub(super) fn settings(&self) -> Settings {
        let Strength { l1, l2, weight_decay } = self.general;
        let strength = |strength: f64| (strength != 0.0).then_some(strength);
        let limit = |limit: f64| limit.is_finite().then_some(limit);
        let asked = |decayed: bool| decayed.then_some("asked for");
        let general = Settings::new()
            .with_set("the l1", strength(l1))
            .with_set("the l2", strength(l2))
            .with_set("the weight decay", strength(weight_decay));
        let overrides = self.overrides.iter();
        overrides
            .fold(general, |settings, (layer, name, value)| settings.with(format!("the {name} of `{layer}`"), value))
            .with_set("the clipping value", limit(self.clip_value))
            .with_set("the clipping norm", limit(self.clip_norm))
            .with_set("the decay of biases", asked(self.biases))
            .with_set("the decay of scales", asked(self.scales))
    }

    /// Finds out once which parameter is decayed how much; later calls with the same network only compare.
    pub(super) fn prepare(&mut self, layers: &[Layer], parameters: usize) -> Result<(), Error> {
        if self.resolved.as_ref().is_some_and(|known| known.layers == layers && known.parameters == parameters) {
            return Ok(());
        }
        let segments = self.resolve(layers, parameters)?;
        self.resolved = Some(Resolved { layers: layers.to_vec(), parameters, segments });
        Ok(())
    }

    fn resolve(&self, layers: &[Layer], parameters: usize) -> Result<Vec<(Range<usize>, Strength)>, Error> {
        let trained = |layer: &Layer| layer.tensors.iter().any(|tensor| tensor.role.is_trained());
        for (name, setting, _) in &self.overrides {
            if !layers.iter().any(|layer| layer.name == name && trained(layer)) {
                let known: Vec<_> = layers.iter().filter(|layer| trained(layer)).map(|layer| layer.name).collect();
                return Err(Error::UnknownLayer { setting, layer: name.clone(), known: known.join(", ") });
            }
        }
        let mut tensors = Vec::new();
        for layer in layers {
            let mut strength = self.general;
            for (_, name, value) in self.overrides.iter().filter(|(name, ..)| name == layer.name) {
                *strength.slot(name) = *value;
            }
            for tensor in layer.tensors.iter().filter(|tensor| tensor.role.is_trained()) {
                let decayed = match tensor.role {
                    Role::Weight => true,
                    Role::Bias => self.biases,
                    Role::Scale => self.scales,
                    Role::Statistic => false,
                };
                let strength = if decayed { strength } else { Strength::default() };
                tensors.push((tensor.offset..tensor.offset + tensor.len, strength));
            }
        }
        tensors.sort_by_key(|(range, _)| range.start);
        let end = tensors.last().map_or(parameters, |(range, _)| range.end);
        if end > parameters {
            return Err(Error::Length { what: "the parameters", expected: end, found: parameters });
        }
        let mut segments: Vec<(Range<usize>, Strength)> = Vec::new();
        let mut extend = |range: Range<usize>, strength: Strength| match segments.last_mut() {
            _ if range.is_empty() => {}
            Some((last, same)) if *same == strength => last.end = range.end,
            _ => segments.push((range, strength)),
        };
        let mut covered = 0;
        for (range, strength) in tensors {
            extend(covered..range.start, Strength::default());
            covered = range.end;
            extend(range, strength);
        }
        extend(covered..parameters, Strength::default());
        Ok(segments)
    }

    /// Checks the lengths and the rate, then hands `update` each run of parameters of equal strength.
    pub(super) fn for_each<T: Scalar>(
        &mut self,
        rate: f64,
        layers: &[Layer],
        parameters: &mut [T],
        gradients: &[T],
        mut update: impl FnMut(Range<usize>, &Gradient<T>, &mut [T], &[T]),
    ) -> Result<(), Error> {
        let clipped = self.clip_norm.is_finite();
        let factors = if clipped { norm(gradients).shorten(self.clip_norm) } else { [T::ONE; 2] };
        self.prepare(layers, parameters.len())?;
        let Some(resolved) = &self.resolved else { return Ok(()) };
        for (range, strength) in &resolved.segments {
            let gradient = Gradient {
                factors,
                limit: T::from_f64(self.clip_value),
                l1: T::from_f64(strength.l1),
                l2: T::from_f64(strength.l2),
                keep: T::from_f64(1.0 - rate * strength.weight_decay),
            };
            update(range.clone(), &gradient, &mut parameters[range.clone()], &gradients[range.clone()]);
        }
        Ok(())
    }

    /// What every step checks before it changes anything.
    pub(super) fn check(
        &mut self,
        rate: f64,
        layers: &[Layer],
        parameters: usize,
        gradients: usize,
    ) -> Result<(), Error> {
        super::rate(rate)?;
        same_length("the gradients", parameters, gradients)?;
        self.prepare(layers, parameters)
    }

    /// Σ l1 |w| + l2/2 w².
    pub(super) fn penalty<T: Scalar>(&mut self, layers: &[Layer], parameters: &[T]) -> Result<f64, Error> {
        self.prepare(layers, parameters.len())?;
        let mut penalty = 0.0;
        let segments = self.resolved.iter().flat_map(|resolved| &resolved.segments);
        for (range, strength) in segments.filter(|(_, strength)| strength.l1 > 0.0 || strength.l2 > 0.0) {
            for weight in &parameters[range.clone()] {
                let weight = weight.to_f64();
                penalty += strength.l1 * weight.abs() + 0.5 * strength.l2 * weight * weight;
            }
        }
        Ok(penalty)
    }
}
