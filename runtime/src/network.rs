//! Networks that own their weights: they predict and train.

use crate::architecture::{Architecture, GradientSeed};
use crate::context::Context;
use crate::error::Error;
use crate::init::Init;
use crate::layer::{Layer, ParameterTensor};
use crate::memory::{Buffer, Prepared, WorkspacePool};
use crate::observer::{Observer, Unobserved};
use crate::once::Once;
use crate::owned_predictor::OwnedPredictor;
use crate::pass::Pass;
pub use crate::pass::PassError;
use crate::predicting::Predicting;
use crate::prediction_weights::PredictionWeights;
use crate::predictor::by_value;
use crate::prepared_weights::PreparedWeights;
use crate::scalar::Precision;
use crate::simd::{InstructionSet, Isa};
use crate::tensor::Sample;
use crate::threads::Threads;
pub use crate::training_workspace::{Gradients, TrainingWorkspace, enough_images};

/// The weights of a network: its parameters, its statistics, and the pool of workspaces that predictions borrow.
#[derive(Debug)]
pub struct Weights<T> {
    parameters: Buffer<T>,
    statistics: Buffer<T>,
    workspaces: WorkspacePool<T>,
    prepared: Prepared<T>,
    /// The threads that predict; `None` means the pool that all networks share.
    threads: Option<Threads>,
    /// The instruction set for predictions and training; `None` means the processor's widest.
    isa: Option<Isa>,
}

impl<T: Precision> Weights<T> {
    /// Creates weights of zeros, for `parameters` trained elements and `statistics` moving means and variances.
    pub fn zeros(parameters: usize, statistics: usize) -> Self {
        Self {
            parameters: Buffer::zeros(parameters),
            statistics: Buffer::zeros(statistics),
            workspaces: WorkspacePool::new(),
            prepared: Prepared::new(),
            threads: None,
            isa: None,
        }
    }

    /// Returns all trained elements.
    pub fn parameters(&self) -> &[T] {
        &self.parameters
    }

    /// Returns the moving means and variances.
    pub fn statistics(&self) -> &[T] {
        &self.statistics
    }

    /// Returns the instruction set that was set by [`Network::set_instructions`]; `None` means the processor's widest.
    pub fn isa(&self) -> Option<Isa> {
        self.isa
    }

    /// Returns parameters and statistics, both mutable. Prepared weights become invalid.
    pub fn buffers_mut(&mut self) -> (&mut [T], &mut [T]) {
        self.prepared.forget();
        (&mut self.parameters, &mut self.statistics)
    }

    /// Takes the parameters and statistics of `of`; threads and instruction set stay as they were set.
    pub(crate) fn take_buffers(&mut self, of: Self) {
        self.prepared.forget();
        (self.parameters, self.statistics) = (of.parameters, of.statistics);
    }
}

/// Copies parameters and statistics; each clone gets a pool of workspaces of its own.
impl<T: Precision> Clone for Weights<T> {
    fn clone(&self) -> Self {
        Self {
            parameters: self.parameters.clone(),
            statistics: self.statistics.clone(),
            workspaces: WorkspacePool::new(),
            prepared: Prepared::new(),
            threads: self.threads.clone(),
            isa: self.isa,
        }
    }
}

fn predicting<N: Network>(network: &N) -> Predicting<'_, N> {
    let weights = network.weights_ref();
    Predicting {
        weights: PredictionWeights::all(&weights.parameters, &weights.statistics, network.prepared().elements()),
        workspaces: &weights.workspaces,
        threads: weights.threads.as_ref(),
        isa: weights.isa,
    }
}

/// A network with weights. `network!` implements this trait for the type it generates; the type has the same methods without the trait
/// in scope.
pub trait Network: Architecture + Clone {
    /// Creates a network with these weights.
    fn from_weights(weights: Weights<Self::Scalar>) -> Self;
    /// Returns its weights.
    fn weights_ref(&self) -> &Weights<Self::Scalar>;
    /// Returns its weights, mutable.
    fn weights_mut(&mut self) -> &mut Weights<Self::Scalar>;

    /// Creates a network and initialises its weights as each layer specifies, from `seed`: the same seed gives the same bits everywhere.
    fn init(seed: u64) -> Self {
        let mut network = Self::from_weights(Self::Scalar::zero_weights(Self::PARAMETERS, Self::STATISTICS));
        Self::Scalar::initialise(Self::LAYERS, seed, network.weights_mut());
        network
    }

    /// Returns all trained elements, in the order of [`Architecture::LAYERS`].
    fn parameters(&self) -> &[Self::Scalar] {
        &self.weights_ref().parameters
    }

    /// Returns all trained elements, mutable.
    fn parameters_mut(&mut self) -> &mut [Self::Scalar] {
        self.weights_mut().buffers_mut().0
    }

    /// Returns the moving means and variances.
    fn statistics(&self) -> &[Self::Scalar] {
        &self.weights_ref().statistics
    }

    /// Returns the moving means and variances, mutable.
    fn statistics_mut(&mut self) -> &mut [Self::Scalar] {
        self.weights_mut().buffers_mut().1
    }

    /// Returns the elements of one tensor, `network.tensor("conv1", "kernel")`; `None` if the network has no such tensor.
    fn tensor(&self, layer: &str, tensor: &str) -> Option<&[Self::Scalar]> {
        let tensor = find(Self::LAYERS, layer, tensor)?;
        let elements = if tensor.kind.is_trained() { self.parameters() } else { self.statistics() };
        Some(&elements[tensor.offset..tensor.offset + tensor.len])
    }

    /// Returns the elements of one tensor, mutable; `None` if the network has no such tensor.
    fn tensor_mut(&mut self, layer: &str, tensor: &str) -> Option<&mut [Self::Scalar]> {
        let tensor = find(Self::LAYERS, layer, tensor)?;
        let elements = if tensor.kind.is_trained() { self.parameters_mut() } else { self.statistics_mut() };
        Some(&mut elements[tensor.offset..tensor.offset + tensor.len])
    }

    /// Initialises one tensor again by `init`, whatever its layer specifies: `network.initialise("dense1", "bias", Init::Normal(0.1), 7)`.
    ///
    /// # Errors
    /// [`Error::UnknownTensor`] for a name that the network does not have, [`Error::Setting`] for a negative width or a NaN.
    /// The network is unchanged then.
    fn initialise(&mut self, layer: &str, tensor: &str, init: Init, seed: u64) -> Result<(), Error> {
        let Some(found) = find(Self::LAYERS, layer, tensor) else {
            return Err(unknown_tensor(Self::LAYERS, layer, tensor));
        };
        crate::init::check(init)?;
        let elements = if found.kind.is_trained() { self.parameters_mut() } else { self.statistics_mut() };
        crate::first_weights::draw(layer, found, init, seed, &mut elements[found.offset..found.offset + found.len]);
        Ok(())
    }

    /// Returns the prepared weights, which predictions read instead of some weights: scales and shifts of folded normalisations, packed filters;
    /// [`Architecture::PREPARED`] elements. They are computed for the first prediction after the weights have changed, and kept. A
    /// [`Predictor`](crate::predictor::Predictor) borrows them.
    fn prepared(&self) -> PreparedWeights<'_, Self> {
        let weights = self.weights_ref();
        PreparedWeights::of_network(Self::Scalar::prepared(&weights.prepared, Self::PREPARED, &|prepared| {
            Self::prepare(&weights.parameters, &weights.statistics, prepared);
        }))
    }

    /// Converts the network into a predictor that owns what predictions read, and no other weights: for programs with little memory.
    /// During the conversion the parameters and the prepared weights are both in memory; [`OwnedPredictor::from_file`] avoids that.
    fn into_predictor(mut self) -> OwnedPredictor<Self> {
        self.prepared();
        let zeros = Self::Scalar::zero_weights(0, 0);
        let Weights { parameters, statistics, prepared, threads, isa, .. } =
            core::mem::replace(self.weights_mut(), zeros);
        OwnedPredictor::of_network([parameters, statistics], prepared.into_buffer(), threads, isa)
    }

    /// Sets the number of threads that predict; 1 means the caller's own thread. By default, a prediction that takes long enough uses
    /// every processor. Any number gives the same bits, except where another library computes products: with the feature `matrixmultiply` in
    /// double precision, with `blas` in both.
    ///
    /// # Errors
    /// [`Error::Setting`] for 0 and for more than 1024, [`Error::Threads`] where the system cannot start them.
    fn set_threads(&mut self, count: usize) -> Result<(), Error> {
        let threads = Threads::new(count)?;
        self.weights_mut().threads = Some(threads);
        Ok(())
    }

    /// Sets the instruction set for predictions and training, such as a narrower one than the processor's widest, which is the default.
    /// [`InstructionSet::Portable`] gives single precision the same bits on every machine, and takes several times as long. All training
    /// of the network uses it: [`Network::forward`] and [`Network::backward`], a `GradientEngine`, a `Trainer`. For a pass over borrowed
    /// weights, set it by [`Pass::with_instructions`].
    ///
    /// # Errors
    /// [`Error::Instructions`] where the processor lacks it; the network is unchanged then.
    fn set_instructions(&mut self, instructions: InstructionSet) -> Result<(), Error> {
        let isa = Isa::of(instructions)?;
        self.weights_mut().isa = Some(isa);
        Ok(())
    }

    /// Predicts one image and returns the answer. Allocates a workspace in the first call; after that, on one thread, never.
    ///
    /// The answer is returned by value, on the stack. For a network whose answer is larger than 256 KiB this does not compile; use
    /// [`Network::predict_into`], which writes to memory of the caller.
    fn predict(&self, image: &Self::Input) -> Self::Output {
        let mut answer = by_value::<Self>();
        self.predict_into(image, &mut answer);
        answer
    }

    /// Predicts one image on the caller's thread, and calls `observer` between the kernels.
    fn predict_observed<O: Observer<Self::Scalar>>(&self, image: &Self::Input, observer: &mut O) -> Self::Output {
        let mut answer = by_value::<Self>();
        self.predict_into_observed(image, &mut answer, observer);
        answer
    }

    /// Writes the answer for one image to `answer`: for an answer larger than the stack, a `Tensor::boxed_zeros()`.
    fn predict_into(&self, image: &Self::Input, answer: &mut Self::Output) {
        self.predict_batch_into(core::slice::from_ref(image), core::slice::from_mut(answer));
    }

    /// Runs [`Network::predict_into`] on the caller's thread, and calls `observer` between the kernels.
    fn predict_into_observed<O: Observer<Self::Scalar>>(
        &self,
        image: &Self::Input,
        answer: &mut Self::Output,
        observer: &mut O,
    ) {
        let (images, answers) = (core::slice::from_ref(image), core::slice::from_mut(answer));
        predicting(self).pass(Context::of(1), images, answers, &mut [], observer);
    }

    /// Returns the answers for many images.
    fn predict_batch(&self, images: &[Self::Input]) -> Vec<Self::Output> {
        let mut answers = crate::memory::zeros(images.len());
        self.predict_batch_into(images, &mut answers);
        answers
    }

    /// Writes the answers for many images to `answers`. If the two lengths differ, the shorter one counts.
    fn predict_batch_into(&self, images: &[Self::Input], answers: &mut [Self::Output]) {
        let count = images.len().min(answers.len());
        let (images, answers) = (&images[..count], &mut answers[..count]);
        predicting(self).many(images, answers, &mut []);
    }

    /// Writes the answers as [`Network::predict_batch_into`] does, and to `logits` the inputs of the final softmax or sigmoid, which a loss
    /// that is fused with the head reads ([`GradientSeed::Logits`]). Logits cannot be recovered from answers, which are rounded: σ(17) is 1
    /// in `f32`. For a network that ends in another layer, the logits are the answers. If the three lengths differ, the shortest one counts.
    fn predict_with_logits(&self, images: &[Self::Input], answers: &mut [Self::Output], logits: &mut [Self::Output]) {
        let count = images.len().min(answers.len()).min(logits.len());
        let (images, answers, logits) = (&images[..count], &mut answers[..count], &mut logits[..count]);
        predicting(self).many(images, answers, logits);
    }

    /// Allocates a workspace for training steps of up to `batch` images. With it, a step allocates nothing.
    fn workspace(batch: usize) -> TrainingWorkspace<Self> {
        TrainingWorkspace::on(batch, Threads::default())
    }

    /// Returns gradients of all parameters, initialised to zero.
    fn gradients() -> Gradients<Self> {
        Gradients::zeros()
    }

    /// Runs images forward as in training, and returns their answers. The values that the backward pass needs stay in `workspace`.
    ///
    /// # Errors
    /// [`PassError::Capacity`] where there are no images, or more than the workspace holds; [`PassError::OneValue`] for one image, where
    /// the network normalises a single value by statistics of the batch (see [`Architecture::NORMALISE_ONE_VALUE`]).
    fn forward<'w>(
        &mut self,
        pass: Pass,
        images: &[Self::Input],
        workspace: &'w mut TrainingWorkspace<Self>,
    ) -> Result<&'w [Self::Output], PassError> {
        self.forward_observed(pass, images, workspace, &mut Unobserved)
    }

    /// Runs [`Network::forward`], and calls `observer` between the kernels.
    ///
    /// # Errors
    /// As [`Network::forward`].
    fn forward_observed<'w, O: Observer<Self::Scalar>>(
        &mut self,
        pass: Pass,
        images: &[Self::Input],
        workspace: &'w mut TrainingWorkspace<Self>,
        observer: &mut O,
    ) -> Result<&'w [Self::Output], PassError> {
        let pass = pass.or_isa(self.weights_ref().isa);
        let (parameters, statistics) = self.weights_mut().buffers_mut();
        workspace.forward_observed(pass, &*parameters, statistics, images, observer)?;
        Ok(workspace.outputs())
    }

    /// Propagates the gradient in `workspace` (see [`TrainingWorkspace::output_gradient_mut`]) backward through the images of the last
    /// [`Network::forward`], and adds the gradients of all parameters to `gradients`.
    ///
    /// # Errors
    /// [`PassError::Batch`] where the number of images differs from that of the last forward pass.
    fn backward(
        &self,
        pass: Pass,
        seed: GradientSeed,
        images: &[Self::Input],
        workspace: &mut TrainingWorkspace<Self>,
        gradients: &mut Gradients<Self>,
    ) -> Result<(), PassError> {
        workspace.backward(pass.or_isa(self.weights_ref().isa), seed, self.parameters(), images, gradients, &mut [])
    }

    /// Runs [`Network::backward`], and writes the gradient of each image to `input_gradient`, which has as many elements as the images.
    ///
    /// # Errors
    /// [`PassError::Batch`] where the number of images differs from that of the last forward pass, [`PassError::InputGradient`] where
    /// `input_gradient` has another length.
    fn backward_to_input(
        &self,
        pass: Pass,
        seed: GradientSeed,
        images: &[Self::Input],
        workspace: &mut TrainingWorkspace<Self>,
        gradients: &mut Gradients<Self>,
        input_gradient: &mut [Self::Scalar],
    ) -> Result<(), PassError> {
        let expected = Self::Input::LEN * images.len();
        if input_gradient.len() != expected {
            return Err(PassError::InputGradient { expected, found: input_gradient.len() });
        }
        workspace.backward(
            pass.or_isa(self.weights_ref().isa),
            seed,
            self.parameters(),
            images,
            gradients,
            input_gradient,
        )
    }
}

pub(crate) fn find(layers: &'static [Layer], layer: &str, tensor: &str) -> Option<&'static ParameterTensor> {
    layers.iter().find(|entry| entry.name == layer)?.tensors.iter().find(|entry| entry.name == tensor)
}

fn unknown_tensor(layers: &'static [Layer], layer: &str, tensor: &str) -> Error {
    let named = layers.iter().any(|entry| entry.name == layer);
    let known: Vec<String> = layers
        .iter()
        .filter(|entry| !named || entry.name == layer)
        .flat_map(|entry| entry.tensors.iter().map(|tensor| format!("{}.{}", entry.name, tensor.name)))
        .collect();
    Error::UnknownTensor { layer: layer.to_owned(), tensor: tensor.to_owned(), known: known.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_that_are_taken_leave_threads_and_instructions_as_they_were_set() {
        let mut weights = Weights::<f32>::zeros(2, 1);
        weights.threads = Some(Threads::new(3).unwrap());
        weights.isa = Some(Isa::of(InstructionSet::Portable).unwrap());
        let mut others = Weights::zeros(2, 1);
        others.buffers_mut().0.fill(5.0);
        others.threads = Some(Threads::new(2).unwrap());
        weights.take_buffers(others);
        assert_eq!(weights.parameters(), [5.0; 2]);
        assert_eq!(weights.threads.map(|threads| threads.count()), Some(3));
        assert!(matches!(weights.isa, Some(Isa::Portable(_))));
    }
}
