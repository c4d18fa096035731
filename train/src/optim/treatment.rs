//! The treatment of each layer by an optimiser: penalties, clipping, freezing and learning rates.

use std::ops::Range;

use super::parts::Treated;
use super::same_length;
use crate::data::in_order_of;
use crate::error::{Error, setting};
use crate::layer::{Layer, ParameterKind, parts};
use crate::norm::{norm, norm_of_parts};
use crate::scalar::Precision;
use crate::settings::Settings;

/// The penalties and clipping of an optimiser, its frozen layers, and the rates of layers.
#[derive(Clone, Debug)]
pub(super) struct Treatment {
    /// The optimiser's own learning rate.
    rate: f64,
    general: Strength,
    /// Values for parts of the network that replace the general strength.
    overrides: Vec<(String, &'static str, f64)>,
    /// Learning rates of parts of the network; `None` for a frozen part.
    rates: Vec<(String, Option<f64>)>,
    pub(super) biases: bool,
    pub(super) scales: bool,
    pub(super) clip_value: f64,
    pub(super) clip_norm: f64,
    resolved: Option<Resolved>,
}

/// The strengths of the penalties on a parameter.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Strength {
    pub(super) l1: f64,
    pub(super) l2: f64,
    pub(super) weight_decay: f64,
}

/// The treatment of a parameter that is not frozen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Moved {
    pub(super) strength: Strength,
    /// The learning rate as a multiple of the optimiser's own.
    pub(super) pace: f64,
}

/// The treatment of the parameters of one network, as ranges with the same treatment. Frozen ones are left out.
#[derive(Clone, Debug)]
struct Resolved {
    layers: Vec<Layer>,
    parameters: usize,
    segments: Vec<(Range<usize>, Moved)>,
    /// For each layer, whether it is frozen; empty if none is.
    frozen: Vec<bool>,
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

impl Treatment {
    /// Creates a treatment with a learning rate alone.
    pub(super) fn new(rate: f64) -> Self {
        Self {
            rate,
            general: Strength::default(),
            overrides: Vec::new(),
            rates: Vec::new(),
            biases: false,
            scales: false,
            clip_value: f64::INFINITY,
            clip_norm: f64::INFINITY,
            resolved: None,
        }
    }

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

    pub(super) fn freeze(&mut self, part: &str) {
        self.rates.push((part.to_owned(), None));
        self.resolved = None;
    }

    pub(super) fn set_rate_for(&mut self, part: &str, rate: f64) -> Result<(), Error> {
        let rate = super::rate(rate)?;
        // A schedule multiplies the optimiser's own rate, and the layer's rate is stored as a multiple of it.
        setting("learning rate beside that of a layer", self.rate, self.rate > 0.0, "more than 0")?;
        self.rates.push((part.to_owned(), Some(rate)));
        self.resolved = None;
        Ok(())
    }

    /// Returns for each layer whether it is frozen; empty if none is, and before the first [`Self::prepare`].
    pub(super) fn frozen_layers(&self) -> &[bool] {
        self.resolved.as_ref().map_or(&[], |resolved| &resolved.frozen)
    }

    /// Describes the settings that differ from the defaults.
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
        let general = overrides
            .fold(general, |settings, (layer, name, value)| settings.with(format!("the {name} of `{layer}`"), value))
            .with_set("the clipping value", limit(self.clip_value))
            .with_set("the clipping norm", limit(self.clip_norm))
            .with_set("the decay of biases", asked(self.biases))
            .with_set("the decay of scales", asked(self.scales));
        self.rates.iter().fold(general, |settings, (part, rate)| match rate {
            Some(rate) => settings.with(format!("the learning rate of `{part}`"), rate),
            None => settings.with(format!("the freezing of `{part}`"), "asked for"),
        })
    }

    /// Resolves the treatment of each parameter once; later calls with the same network only compare.
    pub(super) fn prepare(&mut self, layers: &[Layer], parameters: usize) -> Result<(), Error> {
        if self.resolved.as_ref().is_some_and(|known| known.layers == layers && known.parameters == parameters) {
            return Ok(());
        }
        self.resolved = Some(self.resolve(layers, parameters)?);
        Ok(())
    }

    /// Returns the learning rate of a layer as a multiple of the optimiser's own; `None` for a frozen layer. If it is in several parts, the
    /// last one that was set counts.
    fn pace(&self, layer: &Layer) -> Option<f64> {
        if layer.frozen {
            return None;
        }
        let own = self.rates.iter().rfind(|(part, _)| layer.is_in(part));
        own.map_or(Some(1.0), |(_, rate)| rate.map(|rate| rate / self.rate))
    }

    fn resolve(&self, layers: &[Layer], parameters: usize) -> Result<Resolved, Error> {
        let overrides = self.overrides.iter().map(|(part, setting, _)| (part, *setting));
        let rates =
            self.rates.iter().map(|(part, rate)| (part, if rate.is_some() { "learning rate" } else { "freeze" }));
        for (part, setting) in overrides.chain(rates) {
            if !layers.iter().any(|layer| layer.is_in(part) && !layer.tensors.is_empty()) {
                return Err(Error::UnknownLayer { setting, layer: part.clone(), known: parts(layers) });
            }
        }
        let mut frozen: Vec<bool> = layers.iter().map(|layer| self.pace(layer).is_none()).collect();
        if !frozen.contains(&true) {
            frozen.clear();
        }
        let mut tensors = Vec::new();
        for layer in layers {
            let mut strength = self.general;
            for (_, name, value) in self.overrides.iter().filter(|(part, ..)| layer.is_in(part)) {
                *strength.slot(name) = *value;
            }
            let pace = self.pace(layer);
            for tensor in layer.tensors.iter().filter(|tensor| tensor.kind.is_trained()) {
                let decayed = match tensor.kind {
                    ParameterKind::Weight => true,
                    ParameterKind::Bias => self.biases,
                    ParameterKind::Scale => self.scales,
                    ParameterKind::Statistic => false,
                };
                let strength = if decayed { strength } else { Strength::default() };
                let moved = pace.map(|pace| Moved { strength, pace });
                tensors.push((tensor.offset..tensor.offset + tensor.len, moved));
            }
        }
        let order = in_order_of(tensors.len(), &|index| tensors[index].0.start);
        let tensors: Vec<(Range<usize>, Option<Moved>)> =
            order.into_iter().map(|index| tensors[index].clone()).collect();
        let end = tensors.last().map_or(parameters, |(range, _)| range.end);
        if end > parameters {
            return Err(Error::Length { what: "the parameters", expected: end, found: parameters });
        }
        let mut segments: Vec<(Range<usize>, Moved)> = Vec::new();
        let mut extend = |range: Range<usize>, moved: Option<Moved>| match (segments.last_mut(), moved) {
            (_, None) => {}
            _ if range.is_empty() => {}
            (Some((last, same)), Some(moved)) if *same == moved && last.end == range.start => last.end = range.end,
            (_, Some(moved)) => segments.push((range, moved)),
        };
        // For parameters that belong to no layer.
        let plain = Some(Moved { strength: Strength::default(), pace: 1.0 });
        let mut covered = 0;
        for (range, moved) in tensors {
            extend(covered..range.start, plain);
            covered = range.end;
            extend(range, moved);
        }
        extend(covered..parameters, plain);
        Ok(Resolved { layers: layers.to_vec(), parameters, segments, frozen })
    }

    /// Returns whether a step needs the whole gradient before it updates anything: its norm is clipped.
    pub(super) fn wants_norm(&self) -> bool {
        self.clip_norm.is_finite()
    }

    /// Checks the rate and the lengths, and returns the treatment of gradients; `None` if that needs the whole gradient, which is not
    /// given. The norm counts only the parameters that are updated.
    pub(super) fn begin<T: Precision>(
        &mut self,
        rate: f64,
        layers: &[Layer],
        parameters: usize,
        gradients: Option<&[T]>,
    ) -> Result<Option<Treated<'_, T>>, Error> {
        self.check(rate, layers, parameters, gradients.map_or(parameters, <[T]>::len))?;
        let (wants_norm, clip_norm, limit) = (self.wants_norm(), self.clip_norm, self.clip_value);
        let (segments, frozen): (&[_], &[bool]) =
            self.resolved.as_ref().map_or((&[], &[]), |resolved| (&resolved.segments, &resolved.frozen));
        let moved = |gradients: &[T]| match frozen.is_empty() {
            true => norm(gradients),
            false => norm_of_parts(segments.iter().map(|(range, _)| norm(&gradients[range.clone()]))),
        };
        let factors = match gradients {
            _ if !wants_norm => [T::ONE; 2],
            Some(gradients) => moved(gradients).shorten(clip_norm),
            None => return Ok(None),
        };
        Ok(Some(Treated { segments, rate, factors, limit }))
    }

    /// Runs the checks of every step before it changes anything.
    fn check(&mut self, rate: f64, layers: &[Layer], parameters: usize, gradients: usize) -> Result<(), Error> {
        super::rate(rate)?;
        same_length("the gradients", parameters, gradients)?;
        self.prepare(layers, parameters)
    }

    /// Returns Σ l1 |w| + l2/2 w² over the parameters that are updated.
    pub(super) fn penalty<T: Precision>(&mut self, layers: &[Layer], parameters: &[T]) -> Result<f64, Error> {
        self.prepare(layers, parameters.len())?;
        let mut penalty = 0.0;
        let segments = self.resolved.iter().flat_map(|resolved| &resolved.segments);
        for (range, Moved { strength, .. }) in segments {
            if strength.l1 == 0.0 && strength.l2 == 0.0 {
                continue;
            }
            for weight in &parameters[range.clone()] {
                let weight = weight.to_f64();
                penalty += strength.l1 * weight.abs() + 0.5 * strength.l2 * weight * weight;
            }
        }
        Ok(penalty)
    }
}
