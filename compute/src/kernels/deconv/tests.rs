use proptest::prelude::*;

use crate::context::Context;
use crate::epilogue;
use crate::kernels::check::shapes;
use crate::kernels::conv::tests::{elements, specs};
use crate::kernels::conv::{Spec, reference};
use crate::kernels::elementary::Elementary;
use crate::scalar::Scalar;

#[track_caller]
fn same<T: Scalar>(what: &str, got: &[T], right: &[T]) {
    let tolerance = if T::NAME == "F32" { 2e-3 } else { 1e-11 };
    for (index, (got, right)) in got.iter().zip(right).enumerate() {
        assert!((got.to_f64() - right.to_f64()).abs() <= tolerance, "{what} at {index}: {got} for {right}");
    }
}

/// Compares the passes with those of the convolution that is transposed, with input and output exchanged.
fn agrees<T: Elementary>(batch: usize, spec: &Spec) {
    let (x, w) = (elements::<T>(batch * spec.output_len(), 1), elements::<T>(spec.weights_len(), 2));
    let (dy, b) = (elements::<T>(batch * spec.input_len(), 3), elements::<T>(spec.input[2], 4));
    let nan = |len: usize| std::vec![T::from_f64(f64::NAN); len];

    let mut z = nan(dy.len());
    let scale = elements::<T>(spec.input[2], 7);
    reference::grad_input(batch, spec, &x, &w, &mut z);
    for (scale, b) in [(&scale[..], &b[..]), (&[], &b[..]), (&[], &[])] {
        let mut y = if spec.epilogue.accumulate { elements::<T>(dy.len(), 8) } else { nan(dy.len()) };
        let mut right = y.clone();
        super::deconv_forward(
            &Context::of(batch),
            spec,
            &x,
            &w,
            &[],
            scale,
            b,
            &mut y,
            &mut nan(super::deconv_forward_scratch(spec)),
        );
        epilogue::reference(spec.epilogue, &z, scale, b, &mut right, spec.input[2]);
        same("y", &y, &right);
    }

    let (mut dx, mut right) = (nan(x.len()), nan(x.len()));
    super::deconv_grad_input(
        &Context::of(batch),
        spec,
        &dy,
        &w,
        &[],
        &mut dx,
        &mut nan(super::deconv_grad_input_scratch(spec)),
    );
    reference::forward(batch, spec, &dy, &w, &[], &mut right);
    same("dx", &dx, &right);

    let (mut dw, mut db) = (elements::<T>(w.len(), 5), elements::<T>(b.len(), 6));
    let (mut right, mut right_bias) = (dw.clone(), db.clone());
    let mut scratch = nan(super::deconv_grad_weights_scratch(spec));
    super::deconv_grad_weights(&Context::of(batch), spec, &x, &dy, &mut dw, &mut db, &mut scratch);
    reference::grad_weights(batch, spec, &dy, &x, &mut right, &mut []);
    for (index, &dy) in dy.iter().enumerate() {
        right_bias[index % b.len()] += dy;
    }
    same("dw", &dw, &right);
    same("db", &db, &right_bias);
}

proptest! {
    #![proptest_config(shapes(80))]

    #[test]
    fn the_passes_are_those_of_the_adjoint(spec in specs([1usize..2, 1usize..8, 1usize..12]), batch in 1usize..3) {
        agrees::<f32>(batch, &spec);
        agrees::<f64>(batch, &spec);
    }
}
