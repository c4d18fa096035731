//! Convolution with a connection table (LeCun et al., 1998, Table I), in which each filter reads some channels of the input. Its filters
//! are expanded with zeros to those of an ordinary convolution, which computes it.

use crate::context::Context;
use crate::scalar::Scalar;
pub use netwright_abi::spec::conv_table::Spec;

/// Expands the filters of the table to dense filters `[window height, window width, channels, filters]`, with zeros where there is no
/// connection.
pub fn conv_table_expand<T: Scalar>(_context: &Context<'_>, spec: &Spec, w: &[T], prepared: &mut [T]) {
    spec.check(w.len(), prepared.len());
    prepared.fill(T::ZERO);
    let taps = prepared.chunks_exact_mut(spec.channels * spec.filters).zip(w.chunks_exact(spec.connections.len()));
    for (all, connected) in taps {
        for (&[channel, filter], &w) in spec.connections.iter().zip(connected) {
            all[channel * spec.filters + filter] = w;
        }
    }
}

/// ∂ℓ/∂w += ∂ℓ/∂(expanded w) at the connections.
pub fn conv_table_gather<T: Scalar>(_context: &Context<'_>, spec: &Spec, x: &[T], y: &mut [T]) {
    spec.check(y.len(), x.len());
    let taps = x.chunks_exact(spec.channels * spec.filters).zip(y.chunks_exact_mut(spec.connections.len()));
    for (all, connected) in taps {
        for (&[channel, filter], sum) in spec.connections.iter().zip(connected) {
            *sum += all[channel * spec.filters + filter];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::Kernels;

    const SPEC: Spec<'_> =
        Spec { window: [1, 2], channels: 3, filters: 2, connections: &[[0, 0], [2, 0], [1, 1], [0, 1]] };

    #[test]
    fn filters_without_a_connection_are_zero() {
        let (w, mut prepared) = ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], [f32::NAN; 12]);
        f32::conv_table_expand(&Context::of(0), &SPEC, &w, &mut prepared);
        assert_eq!(prepared, [1.0, 4.0, 0.0, 3.0, 2.0, 0.0, 5.0, 8.0, 0.0, 7.0, 6.0, 0.0]);
    }

    #[test]
    fn gradients_of_connections_are_accumulated() {
        let (x, mut y) = ([0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5, 9.5, 10.5, 11.5], [1.0; 8]);
        f64::conv_table_gather(&Context::of(7), &SPEC, &x, &mut y);
        assert_eq!(y, [1.5, 5.5, 4.5, 2.5, 7.5, 11.5, 10.5, 8.5]);
    }

    #[test]
    #[should_panic(expected = "conv_table: the table names a channel or a filter that there is not")]
    fn a_connection_to_a_missing_channel_is_refused() {
        let spec = Spec { connections: &[[3, 0]], ..SPEC };
        f32::conv_table_expand(&Context::of(0), &spec, &[0.0; 2], &mut [0.0; 12]);
    }

    #[test]
    #[should_panic(expected = "conv_table: the expanded weights")]
    fn a_wrong_length_is_refused() {
        f32::conv_table_gather(&Context::of(0), &SPEC, &[0.0; 11], &mut [0.0; 8]);
    }
}
