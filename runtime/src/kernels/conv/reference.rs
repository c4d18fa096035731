//! The specification of convolution: loops that read like the lecture's equations (slides 37 and 38), with stride, padding,
//! dilation and groups added. Every fast variant is tested against these.
//!
//! The lecture numbers positions from 1, its filters slide in steps of one, and nothing is padded. Here positions start at
//! 0, and tap i of output i′ reads the input at i′·stride + i·dilation − padding; outside the input stands a zero.

use super::Spec;
use crate::scalar::Scalar;

impl Spec {
    /// The row (axis 0) or column (axis 1) of the input that tap `tap` of output `position` reads, or `None` in the padding.
    pub fn source(&self, axis: usize, position: usize, tap: usize) -> Option<usize> {
        let before = self.padding[2 * axis];
        (position * self.stride[axis] + tap * self.dilation[axis])
            .checked_sub(before)
            .filter(|&source| source < self.input[axis])
    }

    /// Calls `visit` with the places in the input, the weights and the output of every product of the convolution.
    fn products(&self, mut visit: impl FnMut(usize, usize, usize)) {
        let [_, width, channels] = self.input;
        let [out_height, out_width, filters] = self.output;
        let (group_channels, group_filters) = (channels / self.groups, filters / self.groups);
        for row in 0..out_height {
            for column in 0..out_width {
                for filter in 0..filters {
                    let first_channel = filter / group_filters * group_channels;
                    for i in 0..self.window[0] {
                        for j in 0..self.window[1] {
                            let (Some(y), Some(x)) = (self.source(0, row, i), self.source(1, column, j)) else {
                                continue;
                            };
                            for f in 0..group_channels {
                                visit(
                                    (y * width + x) * channels + first_channel + f,
                                    ((i * self.window[1] + j) * group_channels + f) * filters + filter,
                                    (row * out_width + column) * filters + filter,
                                );
                            }
                        }
                    }
                }
            }
        }
    }
}

/// z\[i′,j′,f′] = b\[f′] + Σᵢ Σⱼ Σ_f a\[i′+i, j′+j, f] · w\[i,j,f,f′]   (slide 37)
pub fn forward<T: Scalar>(batch: usize, spec: &Spec, x: &[T], w: &[T], b: &[T], y: &mut [T]) {
    for image in 0..batch {
        let x = &x[image * spec.input_len()..];
        let y = &mut y[image * spec.output_len()..][..spec.output_len()];
        for (place, y) in y.iter_mut().enumerate() {
            *y = if b.is_empty() { T::ZERO } else { b[place % b.len()] };
        }
        spec.products(|a, weight, z| y[z] += x[a] * w[weight]);
    }
}

/// ∂ℓ/∂a\[i,j,f] = Σ_{i′,j′,f′} ∂ℓ/∂z\[i′,j′,f′] · w\[i−i′, j−j′, f, f′]   (slide 38)
pub fn grad_input<T: Scalar>(batch: usize, spec: &Spec, dy: &[T], w: &[T], dx: &mut [T]) {
    for image in 0..batch {
        let dy = &dy[image * spec.output_len()..];
        let dx = &mut dx[image * spec.input_len()..][..spec.input_len()];
        dx.fill(T::ZERO);
        spec.products(|a, weight, z| dx[a] += dy[z] * w[weight]);
    }
}

/// ∂ℓ/∂w\[i,j,f,f′] = Σ_{i′,j′} ∂ℓ/∂z\[i′,j′,f′] · a\[i′+i, j′+j, f] and ∂ℓ/∂b\[f′] = Σ_{i′,j′} ∂ℓ/∂z\[i′,j′,f′]   (slide 38),
/// both added to what is there.
pub fn grad_weights<T: Scalar>(batch: usize, spec: &Spec, x: &[T], dy: &[T], dw: &mut [T], db: &mut [T]) {
    for image in 0..batch {
        let x = &x[image * spec.input_len()..];
        let dy = &dy[image * spec.output_len()..][..spec.output_len()];
        spec.products(|a, weight, z| dw[weight] += dy[z] * x[a]);
        if !db.is_empty() {
            for (place, &dy) in dy.iter().enumerate() {
                db[place % db.len()] += dy;
            }
        }
    }
}
