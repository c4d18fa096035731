//! What emitted code would say for each network, or twice in a row, as macros.

/// The methods on the type of a network itself, so that users need no trait in scope and `LeNet5::init(1)` no type: whatever has no `self`
/// to tell the precision is there for `f32` alone, and the trait's own serves `LeNet5::<f64>::init(1)`. It is called where
/// [`scope`](crate::private::scope) is imported. `predict` is emitted itself: messages of rustc point to it and its image.
#[doc(hidden)]
#[macro_export]
macro_rules! __methods {
    ($own:ident, $input:ty => $output:ty) => {
        impl $own<f32> {
            /// The network's name.
            pub const NAME: &'static str = <Self as Architecture>::NAME;
            /// The shape of one image.
            pub const INPUT: Shape = <Self as Architecture>::INPUT;
            /// The shape of one answer.
            pub const OUTPUT: Shape = <Self as Architecture>::OUTPUT;
            /// How many weights there are, those of frozen layers too.
            pub const PARAMETERS: usize = <Self as Architecture>::PARAMETERS;
            /// How many of them training changes: those of layers that are not frozen.
            pub const TRAINABLE: usize = <Self as Architecture>::TRAINABLE;
            /// How many elements training moves without gradients.
            pub const STATISTICS: usize = <Self as Architecture>::STATISTICS;
            /// Multiply-adds to predict one image.
            pub const MACS: u64 = <Self as Architecture>::MACS;
            /// The layers on the longest way from the image to the answer, the image included.
            pub const DEPTH: usize = <Self as Architecture>::DEPTH;
            /// The fewest images of a training step.
            pub const FEWEST_IMAGES: usize = <Self as Architecture>::FEWEST_IMAGES;
            /// Bytes of workspace to predict one image.
            pub const WORKSPACE: usize = 4 * <Self as Architecture>::PREDICTING.for_batch(1);
            /// The table of layers.
            pub const LAYERS: &'static [Layer] = <Self as Architecture>::LAYERS;
            /// The kernels chosen, for predictions and for each way of a training pass, and why.
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
                /// The table of layers, as `{}` of a network prints it.
                #[must_use]
                pub fn summary() -> Summary {
                    Summary::of::<Self>()
                }
                /// A network whose weights start as its layers say, drawn from `seed`.
                #[must_use]
                pub fn init(seed: u64) -> Self {
                    <Self as Network>::init(seed)
                }
                /// A network with the weights of a file.
                ///
                /// # Errors
                /// Where the file cannot be read, or holds other weights.
                pub fn from_file(
                    path: impl AsRef<Path>,
                ) -> Result<Self, Error> {
                    <Self as SaveWeights>::from_file(path)
                }
                /// Memory for training steps of up to `batch` images.
                #[must_use]
                pub fn workspace(batch: usize) -> TrainingWorkspace<Self> {
                    <Self as Network>::workspace(batch)
                }
                /// Gradients of all parameters, zero to begin with.
                #[must_use]
                pub fn gradients() -> Gradients<Self> {
                    <Self as Network>::gradients()
                }
            }

            impl<T: Precision> $own<T> {
                /// The answers for many images.
                #[must_use]
                pub fn predict_batch(&self, images: &[$input]) -> Vec<$output> {
                    <Self as Network>::predict_batch(self, images)
                }
                /// The answer for one image, written over `answer`: for one that is larger than a stack.
                pub fn predict_into(&self, image: &$input, answer: &mut $output) {
                    <Self as Network>::predict_into(self, image, answer);
                }
                /// A predictor that owns what predictions read, and no other weights.
                #[must_use]
                pub fn into_predictor(self) -> OwnedPredictor<Self> {
                    <Self as Network>::into_predictor(self)
                }
                /// What predictions read in place of some weights, to be borrowed by a `Predictor`.
                #[must_use]
                pub fn prepared(&self) -> PreparedWeights<'_, Self> {
                    <Self as Network>::prepared(self)
                }
                /// On how many threads it predicts; one means the caller's own. Unless this is said, a prediction that takes long
                /// enough uses every processor. Any number gives the same bits.
                ///
                /// # Errors
                /// For 0 threads, for more than 1024, and where the system refuses them.
                pub fn set_threads(&mut self, count: usize) -> Result<(), Error> {
                    <Self as Network>::set_threads(self, count)
                }
                /// The answers for many images, written to `answers`.
                pub fn predict_batch_into(&self, images: &[$input], answers: &mut [$output]) {
                    <Self as Network>::predict_batch_into(self, images, answers);
                }
                /// Runs images forward as in training, and returns their answers.
                ///
                /// # Errors
                /// Where there are more images than the workspace holds, or none.
                pub fn forward<'w>(
                    &mut self,
                    pass: Pass,
                    images: &[$input],
                    workspace: &'w mut TrainingWorkspace<Self>,
                ) -> Result<&'w [$output], PassError> {
                    <Self as Network>::forward(self, pass, images, workspace)
                }
                /// Runs the images of the last `forward` backward from the gradient in `workspace`, and adds to `gradients`.
                ///
                /// # Errors
                /// Where there are not as many images as were sent forward.
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
                /// [`Self::backward`], and the gradient of each image.
                ///
                /// # Errors
                /// Where there are not as many images as were sent forward, or the gradient's length is another.
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
                /// All trained elements, contiguous.
                #[must_use]
                pub fn parameters(&self) -> &[T] {
                    <Self as Network>::parameters(self)
                }
                /// All trained elements, contiguous, to change.
                pub fn parameters_mut(&mut self) -> &mut [T] {
                    <Self as Network>::parameters_mut(self)
                }
            }
        }

        $crate::__without_std! {
            impl $own<f32> {
                /// Training needs the feature `std`.
                pub fn init(seed: u64) -> Self where for<'a> f32: FeatureStd<'a> {
                    needs_std(seed)
                }
            }
        }
    };
}

/// The weights of each layer by name, as arrays: `layers()`, `layers_mut()`, and their types, of layers and of the tensors of a layer with
/// the buffer that each lies in. It is called where [`scope`](crate::private::scope) is imported.
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

        /// The weights of each layer by name.
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
                /// The weights of each layer by name, as arrays.
                #[must_use]
                pub fn layers(&self) -> Layers<'_, T> {
                    let weights = &mut $crate::private::buffers(self);
                    Layers { $($layer: $of::take(weights)),* }
                }
                /// The weights of each layer by name, to change.
                pub fn layers_mut(&mut self) -> LayersMut<'_, T> {
                    let weights = &mut $crate::private::buffers_mut(self);
                    LayersMut { $($layer: $of::take_mut(weights)),* }
                }
            }
        }
    };
}

/// A type that stands for sizes that are constants: a kernel is compiled for it.
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

/// A call of a kernel that is compiled for the sizes of a type alone. A debug build takes the kernel that reads its sizes when it runs: that is
/// optimised with the crate it stands in.
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
