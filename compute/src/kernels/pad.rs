//! Zero padding of images, and its gradient.

use crate::context::Context;
use crate::scalar::Scalar;
pub use netwright_abi::spec::pad::Spec;

/// y = x, padded with zeros.
pub fn zeropad_forward<T: Scalar>(context: &Context<'_>, spec: &Spec, x: &[T], y: &mut [T]) {
    spec.check(context.batch, x, y);
    let ([height, width, channels], [top, _, left, _]) = (spec.input, spec.padding);
    let [outer_height, outer_width, _] = spec.output();
    y.fill(T::ZERO);
    for n in 0..context.batch {
        for row in 0..height {
            let from = (n * height + row) * width * channels;
            let to = ((n * outer_height + top + row) * outer_width + left) * channels;
            y[to..to + width * channels].copy_from_slice(&x[from..from + width * channels]);
        }
    }
}

/// dx = dy without the padding.
pub fn zeropad_grad<T: Scalar>(context: &Context<'_>, spec: &Spec, dy: &[T], dx: &mut [T]) {
    spec.check(context.batch, dx, dy);
    let ([height, width, channels], [top, _, left, _]) = (spec.input, spec.padding);
    let [outer_height, outer_width, _] = spec.output();
    for n in 0..context.batch {
        for row in 0..height {
            let to = (n * height + row) * width * channels;
            let from = ((n * outer_height + top + row) * outer_width + left) * channels;
            dx[to..to + width * channels].copy_from_slice(&dy[from..from + width * channels]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::Kernels;

    const SPEC: Spec = Spec { input: [1, 2, 1], padding: [1, 0, 0, 2] };

    #[test]
    fn each_image_is_padded_with_zeros() {
        let mut y = [9.0; 16];
        f32::zeropad_forward(&Context::of(2), &SPEC, &[1.0, 2.0, 3.0, 4.0], &mut y);
        assert_eq!(y, [0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 3.0, 4.0, 0.0, 0.0]);
    }

    #[test]
    fn the_gradient_leaves_out_the_padding() {
        let (dy, mut dx) = (core::array::from_fn::<f64, 8, _>(|i| i as f64), [9.0; 2]);
        f64::zeropad_grad(&Context::of(1), &SPEC, &dy, &mut dx);
        assert_eq!(dx, [4.0, 5.0]);
    }
}
