//! A network that owns its weights: it predicts, and it trains.

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

/// The weights of a network: its parameters, its statistics, and the workspaces that predictions borrow.
#[derive(Debug)]
pub struct Weights<T> {
    parameters: Buffer<T>,
    statistics: Buffer<T>,
    workspaces: WorkspacePool<T>,
    prepared: Prepared<T>,
    /// The threads that predict; unless they were set, those that all networks share.
    threads: Option<Threads>,
    /// The instruction set that predicts and trains; unless it was set, the processor's widest.
    isa: Option<Isa>,
}

impl<T: Precision> Weights<T> {
    /// Zeros, for `parameters` trained elements and `statistics` others.
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

    /// All trained elements.
    pub fn parameters(&self) -> &[T] {
        &self.parameters
    }

    /// The moving means and variances.
    pub fn statistics(&self) -> &[T] {
        &self.statistics
    }

    /// The instruction set that predicts and trains, where it was set: see [`Network::set_instructions`].
    pub fn isa(&self) -> Option<Isa> {
        self.isa
    }

    /// Parameters and statistics at the same time, to change: what was prepared of them does not hold any more.
    pub fn buffers_mut(&mut self) -> (&mut [T], &mut [T]) {
        self.prepared.forget();
        (&mut self.parameters, &mut self.statistics)
    }

    /// Takes the parameters and statistics of others; who predicts, and on what, stays as it was set.
    pub(crate) fn take_buffers(&mut self, of: Self) {
        self.prepared.forget();
        (self.parameters, self.statistics) = (of.parameters, of.statistics);
    }
}

/// The parameters and statistics; each copy has workspaces of its own.
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

/// A network with weights. `network!` implements it for the type it makes; the type offers the same methods without this trait
/// in scope.
pub trait Network: Architecture + Clone {
    /// A network with these weights.
    fn from_weights(weights: Weights<Self::Scalar>) -> Self;
    /// Its weights.
    fn weights_ref(&self) -> &Weights<Self::Scalar>;
    /// Its weights, to change.
    fn weights_mut(&mut self) -> &mut Weights<Self::Scalar>;

    /// A network whose weights start as each layer says, drawn from `seed`: the same seed gives the same bits everywhere.
    fn init(seed: u64) -> Self {
        let mut network = Self::from_weights(Self::Scalar::zero_weights(Self::PARAMETERS, Self::STATISTICS));
        Self::Scalar::initialise(Self::LAYERS, seed, network.weights_mut());
        network
    }

    /// All trained elements, in the order of [`Architecture::LAYERS`].
    fn parameters(&self) -> &[Self::Scalar] {
        &self.weights_ref().parameters
    }

    /// All trained elements, to change.
    fn parameters_mut(&mut self) -> &mut [Self::Scalar] {
        self.weights_mut().buffers_mut().0
    }

    /// The moving means and variances.
    fn statistics(&self) -> &[Self::Scalar] {
        &self.weights_ref().statistics
    }

    /// The moving means and variances, to change.
    fn statistics_mut(&mut self) -> &mut [Self::Scalar] {
        self.weights_mut().buffers_mut().1
    }

    /// The elements of one tensor: `network.tensor("conv1", "kernel")`.
    fn tensor(&self, layer: &str, tensor: &str) -> Option<&[Self::Scalar]> {
        let tensor = find(Self::LAYERS, layer, tensor)?;
        let elements = if tensor.kind.is_trained() { self.parameters() } else { self.statistics() };
        Some(&elements[tensor.offset..tensor.offset + tensor.len])
    }

    /// The elements of one tensor, to change.
    fn tensor_mut(&mut self, layer: &str, tensor: &str) -> Option<&mut [Self::Scalar]> {
        let tensor = find(Self::LAYERS, layer, tensor)?;
        let elements = if tensor.kind.is_trained() { self.parameters_mut() } else { self.statistics_mut() };
        Some(&mut elements[tensor.offset..tensor.offset + tensor.len])
    }

    /// Draws one tensor anew as `init` says, whatever its layer says: `network.initialise("dense1", "bias", Init::Normal(0.1), 7)`.
    ///
    /// # Errors
    /// [`Error::UnknownTensor`] for a name that the network does not have, [`Error::Setting`] for a negative width or a NaN.
    /// Nothing has changed then.
    fn initialise(&mut self, layer: &str, tensor: &str, init: Init, seed: u64) -> Result<(), Error> {
        let Some(found) = find(Self::LAYERS, layer, tensor) else {
            return Err(unknown_tensor(Self::LAYERS, layer, tensor));
        };
        crate::init::check(init)?;
        let elements = if found.kind.is_trained() { self.parameters_mut() } else { self.statistics_mut() };
        crate::first_weights::draw(layer, found, init, seed, &mut elements[found.offset..found.offset + found.len]);
        Ok(())
    }

    /// What predictions read in place of some weights: scales and shifts of folded normalisations, packed filters;
    /// [`Architecture::PREPARED`] elements. It is computed for the first prediction after the weights have changed, and kept. A
    /// [`Predictor`](crate::predictor::Predictor) borrows it.
    fn prepared(&self) -> PreparedWeights<'_, Self> {
        let weights = self.weights_ref();
        PreparedWeights::of_network(Self::Scalar::prepared(&weights.prepared, Self::PREPARED, &|prepared| {
            Self::prepare(&weights.parameters, &weights.statistics, prepared);
        }))
    }

    /// A predictor that owns what predictions read, and no other weights: for a program that has no more memory than it needs. The
    /// parameters and the prepared weights are there together while it is made; from a file they never are:
    /// [`OwnedPredictor::from_file`].
    fn into_predictor(mut self) -> OwnedPredictor<Self> {
        self.prepared();
        let zeros = Self::Scalar::zero_weights(0, 0);
        let Weights { parameters, statistics, prepared, threads, isa, .. } =
            core::mem::replace(self.weights_mut(), zeros);
        OwnedPredictor::of_network([parameters, statistics], prepared.into_buffer(), threads, isa)
    }

    /// On how many threads it predicts; one means the caller's own. Unless this is said, a prediction that takes long enough uses
    /// every processor. Any number gives the same bits.
    ///
    /// # Errors
    /// [`Error::Setting`] for 0 and for more than 1024, [`Error::Threads`] where the system refuses them.
    fn set_threads(&mut self, count: usize) -> Result<(), Error> {
        let threads = Threads::new(count)?;
        self.weights_mut().threads = Some(threads);
        Ok(())
    }

    /// With which instruction set it predicts and trains: a narrower one than the processor's widest, which is taken unless this is said.
    /// [`InstructionSet::Portable`] gives single precision the same bits on every machine, and takes several times as long. Whatever
    /// trains the network follows it: [`Network::forward`] and [`Network::backward`], a `GradientEngine`, a `Trainer`; a pass over borrowed
    /// weights is told by [`Pass::with_instructions`].
    ///
    /// # Errors
    /// [`Error::Instructions`] where the processor lacks it; nothing has changed then.
    fn set_instructions(&mut self, instructions: InstructionSet) -> Result<(), Error> {
        let isa = Isa::of(instructions)?;
        self.weights_mut().isa = Some(isa);
        Ok(())
    }

    /// The answer for one image. Allocates a workspace the first time, then never on one thread.
    ///
    /// It comes by value, over the stack, so that a network whose answers are of more than 256 KiB does not compile with it: those go
    /// into memory of the caller, by [`Network::predict_into`].
    fn predict(&self, image: &Self::Input) -> Self::Output {
        let mut answer = by_value::<Self>();
        self.predict_into(image, &mut answer);
        answer
    }

    /// The answer for one image, with an observer between the kernels; on the caller's thread.
    fn predict_observed<O: Observer<Self::Scalar>>(&self, image: &Self::Input, observer: &mut O) -> Self::Output {
        let mut answer = by_value::<Self>();
        self.predict_into_observed(image, &mut answer, observer);
        answer
    }

    /// The answer for one image, written over `answer`: a `Tensor::boxed_zeros()`, say, where it is larger than a stack.
    fn predict_into(&self, image: &Self::Input, answer: &mut Self::Output) {
        self.predict_batch_into(core::slice::from_ref(image), core::slice::from_mut(answer));
    }

    /// [`Network::predict_into`] with an observer between the kernels; on the caller's thread.
    fn predict_into_observed<O: Observer<Self::Scalar>>(
        &self,
        image: &Self::Input,
        answer: &mut Self::Output,
        observer: &mut O,
    ) {
        let (images, answers) = (core::slice::from_ref(image), core::slice::from_mut(answer));
        predicting(self).pass(Context::of(1), images, answers, &mut [], observer);
    }

    /// The answers for many images.
    fn predict_batch(&self, images: &[Self::Input]) -> Vec<Self::Output> {
        let mut answers = crate::memory::zeros(images.len());
        self.predict_batch_into(images, &mut answers);
        answers
    }

    /// The answers for many images, written to `answers`: as many as there are images, or as there is room for.
    fn predict_batch_into(&self, images: &[Self::Input], answers: &mut [Self::Output]) {
        let count = images.len().min(answers.len());
        let (images, answers) = (&images[..count], &mut answers[..count]);
        predicting(self).many(images, answers, &mut []);
    }

    /// The answers for many images, as [`Network::predict_batch_into`] gives them, and in `logits` what went into the final softmax or
    /// sigmoid: what a loss reads that is fused with the head, [`GradientSeed::Logits`]. An answer is a rounded number and cannot be turned
    /// back: σ(17) is 1 in `f32`. Where the network has another end, the logits are the answers. As many as there are images, or as there is
    /// room for in both.
    fn predict_with_logits(&self, images: &[Self::Input], answers: &mut [Self::Output], logits: &mut [Self::Output]) {
        let count = images.len().min(answers.len()).min(logits.len());
        let (images, answers, logits) = (&images[..count], &mut answers[..count], &mut logits[..count]);
        predicting(self).many(images, answers, logits);
    }

    /// A workspace for training steps of up to `batch` images. After it exists, a step allocates nothing.
    fn workspace(batch: usize) -> TrainingWorkspace<Self> {
        TrainingWorkspace::on(batch, Threads::default())
    }

    /// Gradients for all parameters, zero to begin with.
    fn gradients() -> Gradients<Self> {
        Gradients::zeros()
    }

    /// Runs images forward as in training, and returns their answers. What the backward pass needs stays in `workspace`.
    ///
    /// # Errors
    /// [`PassError::Capacity`] where there are more images than the workspace holds, or none; [`PassError::OneValue`] for one image, where
    /// the network normalises a single value by statistics that `pass` does not keep.
    fn forward<'w>(
        &mut self,
        pass: Pass,
        images: &[Self::Input],
        workspace: &'w mut TrainingWorkspace<Self>,
    ) -> Result<&'w [Self::Output], PassError> {
        self.forward_observed(pass, images, workspace, &mut Unobserved)
    }

    /// [`Network::forward`] with an observer between the kernels.
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

    /// Runs the images of the last [`Network::forward`] backward from the gradient in `workspace` (see
    /// [`TrainingWorkspace::output_gradient_mut`]) and adds the gradients of all parameters to `gradients`.
    ///
    /// # Errors
    /// [`PassError::Batch`] where `images` are not as many as were sent forward.
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

    /// [`Network::backward`], and the gradient of each image, written to `input_gradient` (as many elements as the images have).
    ///
    /// # Errors
    /// [`PassError::Batch`] where `images` are not as many as were sent forward, or `input_gradient` has another length.
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
