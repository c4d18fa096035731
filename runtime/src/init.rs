//! The initialisation of weights and biases.

pub use netwright_abi::Init;

/// Refuses a constant that is not finite, and a deviation or a bound that is negative or not finite.
#[cfg(feature = "std")]
pub(crate) fn check(init: Init) -> Result<(), crate::error::Error> {
    let width = "a number, at least 0";
    let (name, number, valid, expected) = match init {
        Init::Constant(value) => ("constant of the first weights", value, true, "a finite number"),
        Init::Normal(deviation) => ("deviation of the first weights", deviation, deviation >= 0.0, width),
        Init::Uniform(bound) => ("bound of the first weights", bound, bound >= 0.0, width),
        _ => return Ok(()),
    };
    crate::error::setting(name, number, valid, expected).map(|_| ())
}

#[cfg(feature = "std")]
pub use drawing::initialise_tensor;

#[cfg(feature = "std")]
mod drawing {
    use super::Init;
    use crate::random::Random;
    use crate::scalar::Precision;

    /// Initialises one tensor. `shape` matters for [`Init::Orthogonal`] alone: its last axis is the columns, the others are the rows. A
    /// kernel whose fans are those of its window is depthwise: its last axis but one is the channels.
    pub fn initialise_tensor<T: Precision>(
        init: Init,
        shape: &[usize],
        fan_in: usize,
        fan_out: usize,
        random: &mut Random,
        elements: &mut [T],
    ) {
        if init == Init::Orthogonal {
            return match *shape {
                [tall, wide, channels, filters] if fan_in == tall * wide && fan_out == fan_in * filters => {
                    depthwise_orthogonal(channels, filters, random, elements);
                }
                _ => orthogonal(shape.last().copied().unwrap_or(1), random, elements),
            };
        }
        let fan_in = fan_in.max(1) as f64;
        let fan_out = fan_out.max(1) as f64;
        let mut normal = |deviation: f64| {
            elements.iter_mut().for_each(|element| *element = T::from_f64(deviation * random.normal()));
        };
        match init {
            Init::Constant(value) => return elements.fill(T::from_f64(value)),
            Init::Normal(deviation) => return normal(deviation),
            Init::LecunNormal => return normal((1.0 / fan_in).sqrt()),
            Init::HeNormal => return normal((2.0 / fan_in).sqrt()),
            Init::GlorotNormal => return normal((2.0 / (fan_in + fan_out)).sqrt()),
            _ => {}
        }
        // A uniform distribution over ±b has the variance b²/3.
        let bound = match init {
            Init::Uniform(bound) => bound,
            Init::LecunUniform => (3.0 / fan_in).sqrt(),
            Init::HeUniform => (6.0 / fan_in).sqrt(),
            Init::GlorotUniform => (6.0 / (fan_in + fan_out)).sqrt(),
            _ => return,
        };
        elements.iter_mut().for_each(|element| *element = T::from_f64(bound * (2.0 * random.uniform() - 1.0)));
    }

    /// Draws a matrix whose rows, or columns if there are fewer, are orthonormal: Gram-Schmidt on normal draws.
    fn orthogonal<T: Precision>(columns: usize, random: &mut Random, elements: &mut [T]) {
        let rows = elements.len().checked_div(columns).unwrap_or(0);
        let (count, len) = (rows.min(columns), rows.max(columns));
        let mut vectors: Vec<f64> = Vec::with_capacity(count * len);
        for _ in 0..count {
            let mut vector = draw_orthogonal(&vectors, len, random);
            vectors.append(&mut vector);
        }
        for (position, element) in elements.iter_mut().enumerate() {
            let (row, column) = (position / columns, position % columns);
            let index = if rows <= columns { row * len + column } else { column * len + row };
            *element = T::from_f64(vectors[index]);
        }
    }

    /// Draws an orthogonal matrix for each channel, window by filters. In memory the axis of channels is between these two.
    fn depthwise_orthogonal<T: Precision>(channels: usize, filters: usize, random: &mut Random, elements: &mut [T]) {
        let mut own = vec![T::ZERO; elements.len().checked_div(channels).unwrap_or(0)];
        for channel in 0..channels {
            orthogonal(filters, random, &mut own);
            let targets = elements.chunks_exact_mut(filters).skip(channel).step_by(channels);
            targets.zip(own.chunks_exact(filters)).for_each(|(target, own)| target.copy_from_slice(own));
        }
    }

    /// Draws a unit vector orthogonal to those in `before`. The projection runs twice to reduce its error to rounding.
    fn draw_orthogonal(before: &[f64], len: usize, random: &mut Random) -> Vec<f64> {
        loop {
            let mut vector: Vec<f64> = (0..len).map(|_| random.normal()).collect();
            for _ in 0..2 {
                for other in before.chunks_exact(len) {
                    let along: f64 = vector.iter().zip(other).map(|(a, b)| a * b).sum();
                    vector.iter_mut().zip(other).for_each(|(a, b)| *a -= along * b);
                }
            }
            let norm = crate::norm::norm(&vector).length();
            // A shorter vector was in the span of the others but for rounding.
            if norm > 1e-8 {
                vector.iter_mut().for_each(|a| *a /= norm);
                return vector;
            }
        }
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::{Init, initialise_tensor};
    use crate::random::Random;

    fn draw(init: Init, shape: &[usize], fan_in: usize, fan_out: usize) -> Vec<f64> {
        let mut elements = vec![0.0; shape.iter().product()];
        initialise_tensor(init, shape, fan_in, fan_out, &mut Random::new(5), &mut elements);
        elements
    }

    #[test]
    fn every_rule_has_its_mean_and_variance() {
        let (fan_in, fan_out) = (50, 30);
        for (init, variance) in [
            (Init::Normal(0.01), 1e-4),
            (Init::Uniform(0.3), 0.03),
            (Init::LecunNormal, 1.0 / 50.0),
            (Init::LecunUniform, 1.0 / 50.0),
            (Init::HeNormal, 2.0 / 50.0),
            (Init::HeUniform, 2.0 / 50.0),
            (Init::GlorotNormal, 2.0 / 80.0),
            (Init::GlorotUniform, 2.0 / 80.0),
        ] {
            let elements = draw(init, &[200, 500], fan_in, fan_out);
            let count = elements.len() as f64;
            let mean = elements.iter().sum::<f64>() / count;
            let found = elements.iter().map(|element| (element - mean).powi(2)).sum::<f64>() / count;
            // Four standard errors and more, for 100,000 draws.
            assert!(mean.abs() < 5.0 * (variance / count).sqrt(), "{init:?}: mean {mean}");
            assert!((found / variance - 1.0).abs() < 0.025, "{init:?}: variance {found}, not {variance}");
        }
    }

    #[test]
    fn uniform_elements_stay_within_their_bound() {
        assert!(draw(Init::Uniform(0.3), &[1000], 1, 1).iter().all(|element| element.abs() <= 0.3));
        assert_eq!(draw(Init::Constant(0.1), &[3], 1, 1), [0.1; 3]);
    }

    #[test]
    fn orthogonal_rows_or_columns_are_orthonormal() {
        for shape in [&[3, 3, 2, 5][..], &[4, 9], &[6, 6], &[7]] {
            let elements = draw(Init::Orthogonal, shape, 1, 1);
            let columns = shape[shape.len() - 1];
            let rows = elements.len() / columns;
            let at = |vector: usize, position: usize| {
                if rows <= columns {
                    elements[vector * columns + position]
                } else {
                    elements[position * columns + vector]
                }
            };
            for a in 0..rows.min(columns) {
                for b in 0..=a {
                    let dot: f64 = (0..rows.max(columns)).map(|position| at(a, position) * at(b, position)).sum();
                    let expected = if a == b { 1.0 } else { 0.0 };
                    assert!((dot - expected).abs() < 1e-13, "{shape:?} {a} {b}: {dot}");
                }
            }
        }
    }

    #[test]
    fn every_channel_of_a_depthwise_kernel_has_orthonormal_filters_of_its_own() {
        let (channels, filters) = (5, 2);
        let elements = draw(Init::Orthogonal, &[3, 3, channels, filters], 9, 18);
        let at = |channel: usize, filter: usize, position: usize| {
            elements[(position * channels + channel) * filters + filter]
        };
        for channel in 0..channels {
            for (a, b, expected) in [(0, 0, 1.0), (0, 1, 0.0), (1, 1, 1.0)] {
                let dot: f64 = (0..9).map(|position| at(channel, a, position) * at(channel, b, position)).sum();
                assert!((dot - expected).abs() < 1e-13, "{channel} {a} {b}: {dot}");
            }
        }
        assert_ne!(at(0, 0, 0), at(1, 0, 0));
    }
}
