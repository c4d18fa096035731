//! The activation functions f of a = f(z): slides 6 to 11, and later ones.

mod functions;

use self::functions::{ForFunction, Function, for_function};
pub(crate) use self::functions::{at_least, at_most};
use super::elementary::Elementary;
use super::in_place::Source;
use crate::context::Context;
use crate::pass::{BackwardRule, Pass};
use crate::scalar::Scalar;
use crate::simd::{Isa, Simd, WithSimd, vectorised};
pub use netwright_abi::spec::activation::Spec;
pub use netwright_abi::{Activation, SELU_ALPHA, SELU_SCALE, Saturation};

/// Clamps negative gradients of a rectifier's output to 0 where the rule does so. Returns whether the rule needs no further computation.
pub(super) fn rectify<T: Scalar>(rule: BackwardRule, dy: &mut [T]) -> bool {
    if rule == BackwardRule::Gradient {
        return false;
    }
    for dy in dy {
        *dy = if *dy > T::ZERO { *dy } else { T::ZERO };
    }
    rule == BackwardRule::Deconvnet
}

/// a = f(z), slide 4 (3), in place, or from `source` where it is not empty.
pub fn activation_forward<T: Elementary>(context: &Context<'_>, spec: &Spec, source: &[T], values: &mut [T]) {
    assert_eq!(values.len(), context.batch * spec.len, "activation: the values");
    let source = Source::new(source, values, "activation");
    context.split_elements(values, 1, &|first, values| {
        source.part(first..first + values.len()).update_blocks(1, values, &mut |_, values| {
            forward(context.isa(), spec.activation, values);
        });
    });
}

/// ∂ℓ/∂z = ∂ℓ/∂a · f'(z) with f' as a function of a, as σ' = σ (1 − σ) on slide 6. `dy` holds ∂ℓ/∂a, unless `source` does, and is
/// overwritten.
///
/// It panics for functions without [`Activation::has_gradient_from_output`].
pub fn activation_grad_from_output<T: Elementary>(
    context: &Context<'_>,
    spec: &Spec,
    pass: &Pass,
    y: &[T],
    source: &[T],
    dy: &mut [T],
) {
    assert_eq!(y.len(), context.batch * spec.len, "activation: the outputs");
    assert_eq!(dy.len(), context.batch * spec.len, "activation: the gradient");
    assert!(
        spec.activation.has_gradient_from_output(),
        "activation: the output of {:?} does not tell its derivative",
        spec.activation
    );
    gradient(context, spec, pass, y, source, dy, grad_from_output);
}

/// ∂ℓ/∂z = ∂ℓ/∂a · f'(z), slide 4. `dy` holds ∂ℓ/∂a, unless `source` does, and is overwritten.
pub fn activation_grad_from_input<T: Elementary>(
    context: &Context<'_>,
    spec: &Spec,
    pass: &Pass,
    z: &[T],
    source: &[T],
    dy: &mut [T],
) {
    assert_eq!(z.len(), context.batch * spec.len, "activation: the inputs");
    assert_eq!(dy.len(), context.batch * spec.len, "activation: the gradient");
    gradient(context, spec, pass, z, source, dy, grad_from_input);
}

/// Computes the gradient by `of`, which reads `by`: the outputs or the inputs.
fn gradient<T: Elementary>(
    context: &Context<'_>,
    spec: &Spec,
    pass: &Pass,
    by: &[T],
    source: &[T],
    dy: &mut [T],
    of: fn(Isa, Activation, &[T], &mut [T]),
) {
    let source = Source::new(source, dy, "activation");
    context.split_elements(dy, 1, &|first, dy| {
        let by = &by[first..][..dy.len()];
        source.part(first..first + dy.len()).update_blocks(1, dy, &mut |first, dy| {
            if !(spec.activation.is_piecewise_rectifier() && rectify(pass.rule, dy)) {
                of(context.isa(), spec.activation, &by[first..][..dy.len()], dy);
            }
        });
    });
}

/// f(z) by its definition: the reference of the fast code.
pub fn definition<T: Scalar>(activation: Activation, z: T) -> T {
    struct Definition<T>(T);
    impl<T: Scalar> ForFunction for Definition<T> {
        type Output = T;
        fn with<F: Function>(self, function: F) -> T {
            function.definition(self.0)
        }
    }
    for_function(activation, Definition(z))
}

/// f'(z) by its definition. At a kink it is the side that frameworks use: 0 for `Relu` at 0 (slide 9), 1 for `LeakyRelu` (slide 11).
pub fn derivative<T: Scalar>(activation: Activation, z: T) -> T {
    struct Derivative<T>(T);
    impl<T: Scalar> ForFunction for Derivative<T> {
        type Output = T;
        fn with<F: Function>(self, function: F) -> T {
            function.derivative(self.0)
        }
    }
    for_function(activation, Derivative(z))
}

/// The lanes of the widest vector that loops are compiled for.
const VECTOR: usize = 16;

/// f(z) in place, for any number of elements. A vectorised loop computes its remainder one element at a time, each at the cost of a vector;
/// here the remainder is padded to a vector.
#[inline(never)]
pub(crate) fn forward<T: Elementary>(isa: Isa, activation: Activation, values: &mut [T]) {
    // Double precision is not vectorised.
    let few = if size_of::<T>() == size_of::<f32>() { values.len() % VECTOR } else { 0 };
    let (whole, few) = values.split_at_mut(values.len() - few);
    if !whole.is_empty() {
        isa.dispatch(EachElement { activation, values: whole });
    }
    if !few.is_empty() {
        let mut filled = [T::ZERO; VECTOR];
        filled[..few.len()].copy_from_slice(few);
        isa.dispatch(EachElement { activation, values: &mut filled });
        few.copy_from_slice(&filled[..few.len()]);
    }
}

/// f(z) in place, element by element. It is compiled for every instruction set, because it is compute-bound.
struct EachElement<'a, T> {
    activation: Activation,
    values: &'a mut [T],
}

impl<T: Elementary> WithSimd<T> for EachElement<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd<T>>(self, simd: S) {
        for_function(self.activation, Values { simd, values: self.values });
    }
}

struct Values<'a, T, S> {
    simd: S,
    values: &'a mut [T],
}

impl<T: Elementary, S: Simd<T>> ForFunction for Values<'_, T, S> {
    type Output = ();

    #[inline(always)]
    fn with<F: Function>(self, function: F) {
        function.apply(self.simd, self.values);
    }
}

vectorised! {
    fn grad_from_output<T: Elementary>(activation: Activation, a: &[T], da: &mut [T]) {
        for_function(activation, FromOutput { a, da });
    }
}

struct FromOutput<'a, T> {
    a: &'a [T],
    da: &'a mut [T],
}

impl<T: Elementary> ForFunction for FromOutput<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with<F: Function>(self, function: F) {
        for (da, &a) in self.da.iter_mut().zip(self.a) {
            *da = function.gradient_from_output(a, *da);
        }
    }
}

vectorised! {
    fn grad_from_input<T: Elementary>(activation: Activation, z: &[T], da: &mut [T]) {
        for_function(activation, FromInput { z, da });
    }
}

struct FromInput<'a, T> {
    z: &'a [T],
    da: &'a mut [T],
}

impl<T: Elementary> ForFunction for FromInput<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with<F: Function>(self, function: F) {
        for (da, &z) in self.da.iter_mut().zip(self.z) {
            *da = function.gradient(z, *da);
        }
    }
}

#[cfg(test)]
mod tests;
