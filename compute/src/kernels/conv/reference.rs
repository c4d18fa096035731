//! The reference loops of convolution, which read like the lecture's equations (slides 37 and 38), with stride, padding, dilation and
//! groups added. Every fast variant is tested against them.
//!
//! The lecture numbers positions from 1, its filters move by one, and it has no padding. Here positions start at 0, and tap i of output i′
//! reads the input at i′·stride + i·dilation − padding; an input outside the image is 0.

use super::Spec;
use crate::scalar::Scalar;

/// Calls `visit` for every product of the convolution, with its indices in the input, the weights and the output.
fn products(spec: &Spec, mut visit: impl FnMut(usize, usize, usize)) {
    let [_, width, channels] = spec.input;
    let [out_height, out_width, filters] = spec.output;
    let (group_channels, group_filters) = (channels / spec.groups, filters / spec.groups);
    for row in 0..out_height {
        for column in 0..out_width {
            for filter in 0..filters {
                let first_channel = filter / group_filters * group_channels;
                for i in 0..spec.window[0] {
                    for j in 0..spec.window[1] {
                        let (Some(y), Some(x)) = (spec.source(0, row, i), spec.source(1, column, j)) else {
                            continue;
                        };
                        for f in 0..group_channels {
                            visit(
                                (y * width + x) * channels + first_channel + f,
                                ((i * spec.window[1] + j) * group_channels + f) * filters + filter,
                                (row * out_width + column) * filters + filter,
                            );
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
        for (index, y) in y.iter_mut().enumerate() {
            *y = if b.is_empty() { T::ZERO } else { b[index % b.len()] };
        }
        products(spec, |a, weight, z| y[z] += x[a] * w[weight]);
    }
}

/// ∂ℓ/∂a\[i,j,f] = Σ_{i′,j′,f′} ∂ℓ/∂z\[i′,j′,f′] · w\[i−i′, j−j′, f, f′]   (slide 38)
pub fn grad_input<T: Scalar>(batch: usize, spec: &Spec, dy: &[T], w: &[T], dx: &mut [T]) {
    for image in 0..batch {
        let dy = &dy[image * spec.output_len()..];
        let dx = &mut dx[image * spec.input_len()..][..spec.input_len()];
        dx.fill(T::ZERO);
        products(spec, |a, weight, z| dx[a] += dy[z] * w[weight]);
    }
}

/// ∂ℓ/∂w\[i,j,f,f′] += Σ_{i′,j′} ∂ℓ/∂z\[i′,j′,f′] · a\[i′+i, j′+j, f] and ∂ℓ/∂b\[f′] += Σ_{i′,j′} ∂ℓ/∂z\[i′,j′,f′]   (slide 38)
pub fn grad_weights<T: Scalar>(batch: usize, spec: &Spec, x: &[T], dy: &[T], dw: &mut [T], db: &mut [T]) {
    for image in 0..batch {
        let x = &x[image * spec.input_len()..];
        let dy = &dy[image * spec.output_len()..][..spec.output_len()];
        products(spec, |a, weight, z| dw[weight] += dy[z] * x[a]);
        if !db.is_empty() {
            for (index, &dy) in dy.iter().enumerate() {
                db[index % db.len()] += dy;
            }
        }
    }
}
