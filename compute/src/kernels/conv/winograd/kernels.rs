//! The entry points of Winograd's algorithm in the table of kernels: they check lengths and select the form.

use netwright_abi::spec::conv::Winograd;

use super::super::{Spec, add_bias_gradient};
use super::filters::{self, FiltersOf};
use super::{Stored, weights};
use crate::context::Context;
use crate::kernels::elementary::Elementary;
use crate::scalar::Scalar;

/// Returns the form of Winograd's algorithm, which must exist.
#[track_caller]
const fn fitting(form: Option<Winograd>) -> Winograd {
    match form {
        Some(form) => form,
        None => panic!("no form of Winograd's algorithm fits"),
    }
}

/// Computes G g Gᵀ of every filter, for `conv_winograd_forward`.
pub fn conv_winograd_pack<T: Scalar>(context: &Context<'_>, spec: &Spec, w: &[T], prepared: &mut [T]) {
    pack_winograd(context, spec, fitting(spec.winograd()), FiltersOf::Itself, w, prepared);
}

/// Computes G g Gᵀ of every filter, for `conv_winograd_train_forward`.
pub fn conv_winograd_pack_fine<T: Scalar>(context: &Context<'_>, spec: &Spec, w: &[T], prepared: &mut [T]) {
    pack_winograd(context, spec, fitting(spec.fine_winograd()), FiltersOf::Itself, w, prepared);
}

/// Computes G g Gᵀ of every filter, rotated and transposed, for `conv_winograd_grad_input`.
pub fn conv_winograd_pack_rotated<T: Scalar>(context: &Context<'_>, spec: &Spec, w: &[T], prepared: &mut [T]) {
    let form = fitting(spec.winograd_of_inputs());
    pack_winograd(context, &spec.rotated(), form, FiltersOf::Rotated, w, prepared);
}

fn pack_winograd<T: Scalar>(
    context: &Context<'_>,
    spec: &Spec,
    form: Winograd,
    of: FiltersOf,
    w: &[T],
    prepared: &mut [T],
) {
    assert_eq!(w.len(), spec.weights_len(), "length of the weights");
    assert_eq!(prepared.len(), form.filters_len(spec), "length of the transformed filters");
    filters::pack(context, spec, form, of, w, prepared);
}

/// Calls `work` with the transformed filters and the rest of the scratch memory. Where `packed` is empty, the filters are transformed
/// first, in scratch memory.
fn with_transforms<T: Scalar>(
    context: &Context<'_>,
    spec: &Spec,
    form: Winograd,
    of: FiltersOf,
    [w, packed]: [&[T]; 2],
    scratch: &mut [T],
    work: impl FnOnce(&[T], &mut [T]),
) {
    if !packed.is_empty() {
        assert_eq!(packed.len(), form.filters_len(spec), "length of the transformed filters");
        return work(packed, scratch);
    }
    let (transforms, scratch) = scratch.split_at_mut(form.filters_len(spec));
    pack_winograd(context, spec, form, of, w, transforms);
    work(transforms, scratch);
}

/// Returns the elements of scratch memory that `conv_winograd_forward` needs per thread, whatever the batch.
pub const fn conv_winograd_forward_scratch(spec: &Spec) -> usize {
    super::scratch(spec, fitting(spec.winograd()))
}

/// y = f(scale · (w ∗ x) + shift + y) by Winograd's algorithm; `w` holds the filters of [`conv_winograd_pack`].
#[allow(clippy::too_many_arguments)]
pub fn conv_winograd_forward<T: Elementary>(
    context: &Context<'_>,
    spec: &Spec,
    x: &[T],
    w: &[T],
    scale: &[T],
    shift: &[T],
    y: &mut [T],
    scratch: &mut [T],
) {
    predict_winograd(context, spec, x, w, [scale, shift], Stored::All, y, scratch);
}

/// Returns the elements of scratch memory that `conv_winograd_pooled_forward` needs per thread, whatever the batch.
pub const fn conv_winograd_pooled_forward_scratch(spec: &Spec) -> usize {
    conv_winograd_forward_scratch(spec)
}

/// y = maxpool₂ₓ₂ f(scale · (w ∗ x) + shift) by Winograd's algorithm, which stores the largest element of each 2x2 window; `w` holds the
/// filters of [`conv_winograd_pack`].
#[allow(clippy::too_many_arguments)]
pub fn conv_winograd_pooled_forward<T: Elementary>(
    context: &Context<'_>,
    spec: &Spec,
    x: &[T],
    w: &[T],
    scale: &[T],
    shift: &[T],
    y: &mut [T],
    scratch: &mut [T],
) {
    predict_winograd(context, spec, x, w, [scale, shift], Stored::Largest, y, scratch);
}

#[allow(clippy::too_many_arguments)]
fn predict_winograd<T: Elementary>(
    context: &Context<'_>,
    spec: &Spec,
    x: &[T],
    w: &[T],
    [scale, shift]: [&[T]; 2],
    stored: Stored,
    y: &mut [T],
    scratch: &mut [T],
) {
    let form = fitting(spec.winograd());
    assert_eq!(w.len(), form.filters_len(spec), "length of the transformed filters");
    let output = match stored {
        Stored::All => y.len(),
        Stored::Largest => {
            assert_eq!(y.len(), context.batch * spec.pooled_len(), "length of the pooled output");
            context.batch * spec.output_len()
        }
    };
    spec.check(context.batch, x.len(), spec.weights_len(), [scale.len(), shift.len()], output);
    super::forward(context, spec, form, x, w, scale, shift, stored, y, scratch);
}

/// Returns the elements of scratch memory that `conv_winograd_train_forward` needs per thread, whatever the batch.
pub const fn conv_winograd_train_forward_scratch(spec: &Spec) -> usize {
    let form = fitting(spec.fine_winograd());
    form.filters_len(spec) + super::scratch(spec, form)
}

/// y = f(scale · (w ∗ x) + shift + y) by Winograd's algorithm; `packed` holds the filters of [`conv_winograd_pack_fine`], or is empty.
#[allow(clippy::too_many_arguments)]
pub fn conv_winograd_train_forward<T: Elementary>(
    context: &Context<'_>,
    spec: &Spec,
    x: &[T],
    w: &[T],
    packed: &[T],
    scale: &[T],
    shift: &[T],
    y: &mut [T],
    scratch: &mut [T],
) {
    spec.check(context.batch, x.len(), w.len(), [scale.len(), shift.len()], y.len());
    let form = fitting(spec.fine_winograd());
    with_transforms(context, spec, form, FiltersOf::Itself, [w, packed], scratch, |filters, scratch| {
        super::forward(context, spec, form, x, filters, scale, shift, Stored::All, y, scratch);
    });
}

/// Returns the elements of scratch memory that `conv_winograd_grad_input` needs per thread, whatever the batch.
pub const fn conv_winograd_grad_input_scratch(spec: &Spec) -> usize {
    let (spec, form) = (&spec.rotated(), fitting(spec.winograd_of_inputs()));
    form.filters_len(spec) + super::scratch(spec, form)
}

/// dx = ∂ℓ/∂x, or dx += ∂ℓ/∂x where the epilogue accumulates, by Winograd's algorithm with rotated filters; `packed` holds those of
/// [`conv_winograd_pack_rotated`], or is empty.
pub fn conv_winograd_grad_input<T: Elementary>(
    context: &Context<'_>,
    spec: &Spec,
    dy: &[T],
    w: &[T],
    packed: &[T],
    dx: &mut [T],
    scratch: &mut [T],
) {
    spec.check(context.batch, dx.len(), w.len(), [0; 2], dy.len());
    let epilogue = netwright_abi::Epilogue { accumulate: spec.epilogue.accumulate, ..netwright_abi::Epilogue::NONE };
    let form = fitting(spec.winograd_of_inputs());
    let spec = &Spec { epilogue, ..spec.rotated() };
    with_transforms(context, spec, form, FiltersOf::Rotated, [w, packed], scratch, |filters, scratch| {
        super::forward(context, spec, form, dy, filters, &[], &[], Stored::All, dx, scratch);
    });
}

/// Returns the elements of scratch memory that `conv_winograd_grad_weights` needs per thread, whatever the batch.
pub const fn conv_winograd_grad_weights_scratch(spec: &Spec) -> usize {
    fitting(spec.winograd_of_weights());
    weights::grad_weights_scratch(spec)
}

/// dw += ∂ℓ/∂w and db += ∂ℓ/∂b from x and dy, by Winograd's algorithm.
pub fn conv_winograd_grad_weights<T: Elementary>(
    context: &Context<'_>,
    spec: &Spec,
    x: &[T],
    dy: &[T],
    dw: &mut [T],
    db: &mut [T],
    scratch: &mut [T],
) {
    spec.check(context.batch, x.len(), dw.len(), [0, db.len()], dy.len());
    fitting(spec.winograd_of_weights());
    add_bias_gradient(context, dy, db);
    weights::grad_weights(context, spec, x, dy, dw, scratch);
}
