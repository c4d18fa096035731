//! Macros for code that would otherwise be emitted again for each network.

/// Emits the inherent methods of a network's type, so that users need no trait in scope and write `LeNet5::init(1)` without a type
/// parameter. Items without `self` cannot infer the precision, so they exist for `f32` alone; `LeNet5::<f64>::init(1)` resolves to the trait.
/// The macro expands where [`scope`](crate::private::scope) is imported. `predict` is not in here: the compiler emits it directly, so that
/// messages of rustc point to the network and its image.
#[doc(hidden)]
#[macro_export]
macro_rules! __methods {
    ($own:ident, $input:ty => $output:ty) => {
        impl $own<f32> {
            /// The network's name.
            pub const NAME: &'static str = <Self as Architecture>::NAME;
            /// The shape of one image.
            pub const INPUT: Shape = <Self as Architecture>::INPUT;
            /// The shape of the output for one image.
            pub const OUTPUT: Shape = <Self as Architecture>::OUTPUT;
            /// The number of weights, those of frozen layers included.
            pub const PARAMETERS: usize = <Self as Architecture>::PARAMETERS;
            /// The number of weights that training changes: those of layers that are not frozen.
            pub const TRAINABLE: usize = <Self as Architecture>::TRAINABLE;
            /// The number of elements that training updates without gradients: moving means and variances.
            pub const STATISTICS: usize = <Self as Architecture>::STATISTICS;
            /// Multiply-adds to predict one image.
            pub const MACS: u64 = <Self as Architecture>::MACS;
            /// The number of layers on the longest path from the image to the output, the image included.
            pub const DEPTH: usize = <Self as Architecture>::DEPTH;
            /// The smallest number of images in a training step.
            pub const FEWEST_IMAGES: usize = <Self as Architecture>::FEWEST_IMAGES;
            /// Bytes of workspace for the prediction of one image.
            pub const WORKSPACE: usize = 4 * <Self as Architecture>::PREDICTING.for_batch(1);
            /// The table of layers.
            pub const LAYERS: &'static [Layer] = <Self as Architecture>::LAYERS;
            /// The chosen kernels with the reason for each, for predictions and for both directions of a training pass.
            pub const PLAN: Plan = <Self as Architecture>::PLAN;
        }

        $crate::__with_std! {
            impl<T: Precision> Network for $own<T> {
                fn from_weights(weights: Weights<T>) -> Self {
                    Self { weights }
                }
                fn weights_ref(&self) -> &Weights<T> {
                    &self.weights
                }
                fn weights_mut(&mut self) -> &mut Weights<T> {
                    &mut self.weights
                }
            }

            impl<T: Precision> fmt::Display for $own<T> {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    fmt::Display::fmt(&Summary::of::<Self>(), f)
                }
            }

            impl $own<f32> {
                /// Returns the table of layers, as `{}` of a network prints it.
                #[must_use]
                pub fn summary() -> Summary {
                    Summary::of::<Self>()
                }
                /// Creates a network and initialises its weights as its layers specify, from the random seed `seed`.
                #[must_use]
                pub fn init(seed: u64) -> Self {
                    <Self as Network>::init(seed)
                }
                /// Creates a network with the weights of a file.
                ///
                /// # Errors
                /// Where the file cannot be read, or its tensors do not match the network's.
                pub fn from_file(
                    path: impl AsRef<Path>,
                ) -> Result<Self, Error> {
                    <Self as SaveWeights>::from_file(path)
                }
                /// Allocates memory for training steps of up to `batch` images.
                #[must_use]
                pub fn workspace(batch: usize) -> TrainingWorkspace<Self> {
                    <Self as Network>::workspace(batch)
                }
                /// Returns gradients of all parameters, initialised to zero.
                #[must_use]
                pub fn gradients() -> Gradients<Self> {
                    <Self as Network>::gradients()
                }
            }

            impl<T: Precision> $own<T> {
                /// Returns the answers for many images.
                #[must_use]
                pub fn predict_batch(&self, images: &[$input]) -> Vec<$output> {
                    <Self as Network>::predict_batch(self, images)
                }
                /// Writes the answer for one image to `answer`: for answers that are too large for the stack.
                pub fn predict_into(&self, image: &$input, answer: &mut $output) {
                    <Self as Network>::predict_into(self, image, answer);
                }
                /// Converts the network into a predictor that owns what predictions read, and no other weights.
                #[must_use]
                pub fn into_predictor(self) -> OwnedPredictor<Self> {
                    <Self as Network>::into_predictor(self)
                }
                /// Returns the prepared weights that predictions read, for a `Predictor` to borrow.
                #[must_use]
                pub fn prepared(&self) -> PreparedWeights<'_, Self> {
                    <Self as Network>::prepared(self)
                }
                /// Sets the number of threads that predict; 1 means the caller's own thread. By default, a prediction that takes long
                /// enough uses every processor. Any number gives the same bits.
                ///
                /// # Errors
                /// For 0 threads, for more than 1024, and where the system cannot start them.
                pub fn set_threads(&mut self, count: usize) -> Result<(), Error> {
                    <Self as Network>::set_threads(self, count)
                }
                /// Writes the answers for many images to `answers`.
                pub fn predict_batch_into(&self, images: &[$input], answers: &mut [$output]) {
                    <Self as Network>::predict_batch_into(self, images, answers);
                }
                /// Runs images forward as in training, and returns their answers.
                ///
                /// # Errors
                /// Where there are no images, or more than the workspace holds.
                pub fn forward<'w>(
                    &mut self,
                    pass: Pass,
                    images: &[$input],
                    workspace: &'w mut TrainingWorkspace<Self>,
                ) -> Result<&'w [$output], PassError> {
                    <Self as Network>::forward(self, pass, images, workspace)
                }
                /// Propagates the gradient in `workspace` backward through the images of the last `forward`, and adds to `gradients`.
                ///
                /// # Errors
                /// Where the number of images differs from that of the last `forward`.
                pub fn backward(
                    &self,
                    pass: Pass,
                    seed: GradientSeed,
                    images: &[$input],
                    workspace: &mut TrainingWorkspace<Self>,
                    gradients: &mut Gradients<Self>,
                ) -> Result<(), PassError> {
                    <Self as Network>::backward(self, pass, seed, images, workspace, gradients)
                }
                /// Runs [`Self::backward`], and writes the gradient with respect to the images to `input_gradient`.
                ///
                /// # Errors
                /// Where the number of images differs from that of the last `forward`, or `input_gradient` has another length than the images.
                pub fn backward_to_input(
                    &self,
                    pass: Pass,
                    seed: GradientSeed,
                    images: &[$input],
                    workspace: &mut TrainingWorkspace<Self>,
                    gradients: &mut Gradients<Self>,
                    input_gradient: &mut [T],
                ) -> Result<(), PassError> {
                    <Self as Network>::backward_to_input(self, pass, seed, images, workspace, gradients, input_gradient)
                }
                /// Returns all trained elements, contiguous.
                #[must_use]
                pub fn parameters(&self) -> &[T] {
                    <Self as Network>::parameters(self)
                }
                /// Returns all trained elements, contiguous and mutable.
                pub fn parameters_mut(&mut self) -> &mut [T] {
                    <Self as Network>::parameters_mut(self)
                }
            }
        }

        $crate::__without_std! {
            impl $own<f32> {
                /// Does not compile: training needs the feature `std`.
                pub fn init(seed: u64) -> Self where for<'a> f32: FeatureStd<'a> {
                    needs_std(seed)
                }
            }
        }
    };
}

/// Emits `layers()` and `layers_mut()`, which give the weights of each layer by name as arrays, and their types: one for all layers and one
/// for the tensors of each layer, with the buffer that each is stored in. The macro expands where [`scope`](crate::private::scope) is imported.
#[doc(hidden)]
#[macro_export]
macro_rules! __views {
    (@next parameters of $weights:ident by $take:ident) => {
        $crate::private::$take(&mut $weights[0])
    };
    (@next statistics of $weights:ident by $take:ident) => {
        $crate::private::$take(&mut $weights[1])
    };
    (
        $own:ident;
        struct Layers { $($layer:ident: $of:ident<$($array:ty),* $(,)?>),* $(,)? }
        $(struct $tensors:ident { $($tensor:ident: $buffer:ident),* $(,)? })*
    ) => {
        /// The weights of each layer by name.
        #[derive(fmt::Debug)]
        pub struct Layers<'a, T> {
            $(
                #[doc = $crate::private::core::concat!(" The weights of `", $crate::private::core::stringify!($layer), "`.")]
                pub $layer: $of<$(&'a $array),*>,
            )*
        }

        /// The weights of each layer by name, mutable.
        #[derive(fmt::Debug)]
        pub struct LayersMut<'a, T> {
            $(
                #[doc = $crate::private::core::concat!(" The weights of `", $crate::private::core::stringify!($layer), "`.")]
                pub $layer: $of<$(&'a mut $array),*>,
            )*
        }

        $(
            /// The tensors of a layer.
            #[derive(fmt::Debug)]
            pub struct $tensors<$($tensor),*> {
                $(
                    #[doc = $crate::private::core::concat!(" The layer's `", $crate::private::core::stringify!($tensor), "`.")]
                    pub $tensor: $tensor,
                )*
            }

            impl<'a, T: Precision, $($tensor: $crate::private::Nested<Element = T>),*> $tensors<$(&'a $tensor),*> {
                fn take(weights: &mut [&'a [T]; 2]) -> Self {
                    Self { $($tensor: $crate::__views!(@next $buffer of weights by take)),* }
                }
            }

            impl<'a, T: Precision, $($tensor: $crate::private::Nested<Element = T>),*> $tensors<$(&'a mut $tensor),*> {
                fn take_mut(weights: &mut [&'a mut [T]; 2]) -> Self {
                    Self { $($tensor: $crate::__views!(@next $buffer of weights by take_mut)),* }
                }
            }
        )*

        $crate::__with_std! {
            impl<T: Precision> $own<T> {
                /// Returns the weights of each layer by name, as arrays.
                #[must_use]
                pub fn layers(&self) -> Layers<'_, T> {
                    let weights = &mut $crate::private::buffers(self);
                    Layers { $($layer: $of::take(weights)),* }
                }
                /// Returns the weights of each layer by name, as mutable arrays.
                pub fn layers_mut(&mut self) -> LayersMut<'_, T> {
                    let weights = &mut $crate::private::buffers_mut(self);
                    LayersMut { $($layer: $of::take_mut(weights)),* }
                }
            }
        }
    };
}

/// Emits a type whose constants are the sizes of a kernel, for which the kernel is compiled.
#[doc(hidden)]
#[macro_export]
macro_rules! __constant_sizes {
    ($name:ident: $module:ident = $sizes:ident) => {
        enum $name {}
        impl kernels::ConstantSizes for $name {
            type Sizes = kernels::$module::Spec;
            const SIZES: &'static kernels::$module::Spec = &$sizes;
        }
    };
}

/// Emits the call of a kernel that is compiled for the sizes of a type. A debug build calls the kernel that reads its sizes at run time
/// instead, since that one is optimised with the crate that contains it.
#[doc(hidden)]
#[macro_export]
macro_rules! __compiled_for {
    ($type:ident, $module:ident::$kernel:ident($context:expr, $sizes:expr $(, $operand:expr)* $(,)?)) => {
        #[cfg(debug_assertions)]
        <T as Kernels>::$kernel($context, $sizes $(, $operand)*);
        #[cfg(not(debug_assertions))]
        kernels::$module::$kernel($context, kernels::Constant::<$type>::SIZES $(, $operand)*);
    };
}
