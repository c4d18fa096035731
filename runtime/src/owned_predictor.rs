//! Predictors that own the weights that predictions read, and no others.

use core::fmt;
use core::marker::PhantomData;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use crate::architecture::Architecture;
use crate::error::Error;
use crate::memory::{Buffer, WorkspacePool};
use crate::once::{Facts, Once};
use crate::predicting::Predicting;
use crate::prediction_file::{Expected, HEADER, PredictionFileError};
use crate::prediction_weights::{KeptTensors, PredictionWeights, PreparationPart, Tensors, len};
use crate::predictor::by_value;
use crate::scalar::Precision;
use crate::simd::{InstructionSet, Isa};
use crate::storage::{Safetensors, replace_by};
use crate::tensor::{bytes_of, bytes_of_mut};
use crate::threads::Threads;

/// A network that predicts and does not train: it owns the prepared weights and the few others that predictions read.
///
/// A [`Network`](crate::network::Network) holds both the original and the prepared weights, since its weights may change. Predictions read packed or
/// transformed filters instead of most weights, so that a predictor is smaller, and gives the same bits.
///
/// | created by | memory while it is created |
/// |---|---|
/// | [`network.into_predictor()`](crate::network::Network::into_predictor) | all weights and all prepared weights |
/// | [`OwnedPredictor::from_file`] of weights that a network saved | its own memory and the largest tensor |
/// | [`OwnedPredictor::from_file`] of a file that [`OwnedPredictor::save`] wrote | its own memory |
///
/// A `Predictor` borrows such a file in place, memory-mapped or in flash.
///
/// ```
/// use netwright_runtime::{Error, network::Network, owned_predictor::OwnedPredictor};
///
/// fn serve<N: Network>() -> Result<OwnedPredictor<N>, Error> {
///     let predictor = OwnedPredictor::<N>::from_file("weights.safetensors")?; // tensor by tensor
///     predictor.save("weights.prepared")?; // once, for a faster start
///     OwnedPredictor::from_file("weights.prepared")
/// }
/// ```
pub struct OwnedPredictor<N: Architecture> {
    held: Held<N::Scalar>,
    workspaces: WorkspacePool<N::Scalar>,
    threads: Option<Threads>,
    isa: Option<Isa>,
    network: PhantomData<fn() -> N>,
}

/// The elements that a predictor owns: the tensors that predictions read unchanged, contiguous, and the prepared weights.
#[derive(Debug)]
pub struct Held<T> {
    parameters: Buffer<T>,
    statistics: Buffer<T>,
    prepared: Buffer<T>,
}

impl<T: Precision> Held<T> {
    /// Keeps those parameters and statistics that predictions read unchanged.
    pub(crate) fn of_network(kept: KeptTensors, buffers: [Buffer<T>; 2], prepared: Buffer<T>) -> Self {
        let [mut parameters, mut statistics] = buffers;
        parameters.keep(kept.parameters);
        statistics.keep(kept.statistics);
        Self { parameters, statistics, prepared }
    }

    fn groups(&self) -> [&[T]; 3] {
        [&self.parameters, &self.statistics, &self.prepared]
    }
}

/// The facts of a network that are needed to turn its weights into those that predictions read.
#[derive(Clone, Copy, Debug)]
pub struct HeldPlan<T> {
    facts: Facts,
    expected: Expected,
    kept: KeptTensors,
    preparation: &'static [PreparationPart],
    prepared: usize,
    prepare_part: fn(usize, Tensors<'_, T>, Tensors<'_, T>, &mut [T]),
}

impl<T: Precision> HeldPlan<T> {
    fn of<N: Architecture<Scalar = T>>() -> Self {
        Self {
            facts: Facts::of::<N>(),
            expected: Expected::of::<N>(),
            kept: N::KEPT,
            preparation: N::PREPARATION,
            prepared: N::PREPARED,
            prepare_part: N::prepare_part,
        }
    }

    fn zeros(&self) -> Held<T> {
        let [parameters, statistics] = self.kept.lens().map(Buffer::zeros);
        Held { parameters, statistics, prepared: Buffer::zeros(self.prepared) }
    }
}

impl<N: Architecture> OwnedPredictor<N> {
    /// Creates a predictor from a file. It is either a file of weights that a network [saved](crate::weights::SaveWeights::save), of which one tensor
    /// at a time is read, prepared and freed, or a file that [`OwnedPredictor::save`] wrote. The first bytes tell which.
    ///
    /// # Errors
    /// [`Error::Io`]; those of [`SaveWeights::from_file`](crate::weights::SaveWeights::from_file); [`Error::PredictionFile`] for prepared
    /// weights of another network or of kernels with another packed layout, and for a truncated or damaged file.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, Error> {
        let held = N::Scalar::read_held(&HeldPlan::of::<N>(), path.as_ref())?;
        Ok(Self::holding(held, None, None))
    }

    /// Writes the prepared weights to a file that [`OwnedPredictor::from_file`] reads and `Predictor::from_bytes`
    /// borrows. It fits the kernels of one version of netwright, on any little-endian processor: keep the weights themselves too.
    ///
    /// # Errors
    /// [`Error::Io`] where the system cannot write; an older file of that name stays unchanged.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        N::Scalar::save_held(&Expected::of::<N>(), &self.held, path.as_ref())
    }

    /// Creates a predictor from a network's parameters and statistics and its prepared weights.
    pub(crate) fn of_network(
        buffers: [Buffer<N::Scalar>; 2],
        prepared: Buffer<N::Scalar>,
        threads: Option<Threads>,
        isa: Option<Isa>,
    ) -> Self {
        Self::holding(N::Scalar::hold(N::KEPT, buffers, prepared), threads, isa)
    }

    fn holding(held: Held<N::Scalar>, threads: Option<Threads>, isa: Option<Isa>) -> Self {
        Self { held, workspaces: WorkspacePool::new(), threads, isa, network: PhantomData }
    }

    /// Returns the size of its elements in bytes. A prediction also needs a workspace: [`Architecture::PREDICTING`].
    pub fn bytes(&self) -> usize {
        self.held.groups().into_iter().map(size_of_val::<[N::Scalar]>).sum()
    }

    fn predicting(&self) -> Predicting<'_, N> {
        let [parameters, statistics, prepared] = self.held.groups();
        Predicting {
            weights: PredictionWeights::kept(&N::KEPT, parameters, statistics, prepared),
            workspaces: &self.workspaces,
            threads: self.threads.as_ref(),
            isa: self.isa,
        }
    }

    /// Sets the number of threads that predict: see [`Network::set_threads`](crate::network::Network::set_threads).
    ///
    /// # Errors
    /// [`Error::Setting`] for 0 and for more than 1024, [`Error::Threads`] where the system cannot start them.
    pub fn set_threads(&mut self, count: usize) -> Result<(), Error> {
        self.threads = Some(Threads::new(count)?);
        Ok(())
    }

    /// Sets the instruction set that predicts: see [`Network::set_instructions`](crate::network::Network::set_instructions).
    ///
    /// # Errors
    /// [`Error::Instructions`] where the processor lacks it; the predictor is unchanged then.
    pub fn set_instructions(&mut self, instructions: InstructionSet) -> Result<(), Error> {
        self.isa = Some(Isa::of(instructions)?);
        Ok(())
    }

    /// Predicts one image and returns the answer by value. For an answer of more than 256 KiB this does not compile: use
    /// [`OwnedPredictor::predict_into`].
    pub fn predict(&self, image: &N::Input) -> N::Output {
        let mut answer = by_value::<N>();
        self.predict_into(image, &mut answer);
        answer
    }

    /// Writes the answer for one image to `answer`.
    pub fn predict_into(&self, image: &N::Input, answer: &mut N::Output) {
        self.predict_batch_into(core::slice::from_ref(image), core::slice::from_mut(answer));
    }

    /// Returns the answers for many images.
    pub fn predict_batch(&self, images: &[N::Input]) -> Vec<N::Output> {
        let mut answers = crate::memory::zeros(images.len());
        self.predict_batch_into(images, &mut answers);
        answers
    }

    /// Writes the answers for many images to `answers`. If the two lengths differ, the shorter one counts.
    pub fn predict_batch_into(&self, images: &[N::Input], answers: &mut [N::Output]) {
        let count = images.len().min(answers.len());
        self.predicting().many(&images[..count], &mut answers[..count], &mut []);
    }

    /// Writes the answers, and to `logits` the inputs of the final softmax or sigmoid: see
    /// [`Network::predict_with_logits`](crate::network::Network::predict_with_logits).
    pub fn predict_with_logits(&self, images: &[N::Input], answers: &mut [N::Output], logits: &mut [N::Output]) {
        let count = images.len().min(answers.len()).min(logits.len());
        self.predicting().many(&images[..count], &mut answers[..count], &mut logits[..count]);
    }
}

impl<N: Architecture> fmt::Debug for OwnedPredictor<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OwnedPredictor<{}> of {} bytes", N::NAME, self.bytes())
    }
}

/// Implements [`OwnedPredictor::from_file`].
pub(crate) fn read<T: Precision>(plan: &HeldPlan<T>, path: &Path) -> Result<Held<T>, Error> {
    let mut start = Vec::new();
    let file = File::open(path).map_err(Error::io(path, "read"))?;
    (&file).take(HEADER as u64).read_to_end(&mut start).map_err(Error::io(path, "read"))?;
    let total = file.metadata().map_err(Error::io(path, "read"))?.len();
    let refused = |problem| Error::PredictionFile { origin: path.display().to_string(), problem };
    match plan.expected.check(&start, total) {
        Ok(expected) => {
            let mut held = plan.zeros();
            let found = read_groups(&mut held, &file).map_err(Error::io(path, "read"))?;
            let damaged = PredictionFileError::Checksum { expected, found };
            if found == expected { Ok(held) } else { Err(refused(damaged)) }
        }
        Err(PredictionFileError::Kind) => prepare(plan, path),
        Err(problem) => Err(refused(problem)),
    }
}

/// Reads weights that a network saved, and computes the prepared weights from them, tensor by tensor.
fn prepare<T: Precision>(plan: &HeldPlan<T>, path: &Path) -> Result<Held<T>, Error> {
    let stream = Safetensors::read(path)?;
    crate::weights::with_all(plan.facts, &stream, &|compared| {
        let mut held = plan.zeros();
        compared.read(true, plan.kept.parameters, &mut held.parameters)?;
        compared.read(false, plan.kept.statistics, &mut held.statistics)?;
        let [mut parameters, mut statistics] = [Vec::new(), Vec::new()];
        for (index, part) in plan.preparation.iter().enumerate() {
            parameters.resize(len(part.parameters), T::ZERO);
            statistics.resize(len(part.statistics), T::ZERO);
            compared.read(true, part.parameters, &mut parameters)?;
            compared.read(false, part.statistics, &mut statistics)?;
            let parameters = Tensors::some(&parameters, part.parameters);
            let statistics = Tensors::some(&statistics, part.statistics);
            (plan.prepare_part)(index, parameters, statistics, &mut held.prepared);
        }
        Ok(held)
    })
}

/// Reads the elements that follow the header, and returns their checksum.
fn read_groups<T: Precision>(held: &mut Held<T>, mut file: &File) -> std::io::Result<u32> {
    let mut checksum = crc32fast::Hasher::new();
    let mut padding_bytes = [0; 64];
    let Held { parameters, statistics, prepared } = held;
    for group in [parameters, statistics, prepared] {
        let bytes = bytes_of_mut::<T>(group);
        file.read_exact(bytes)?;
        checksum.update(bytes);
        let padding_bytes = &mut padding_bytes[..padding(bytes.len())];
        file.read_exact(padding_bytes)?;
        checksum.update(padding_bytes);
    }
    Ok(checksum.finalize())
}

/// Returns the number of padding bytes after a group of `bytes` bytes.
fn padding(bytes: usize) -> usize {
    bytes.next_multiple_of(64) - bytes
}

/// Implements [`OwnedPredictor::save`].
pub(crate) fn save<T: Precision>(expected: &Expected, held: &Held<T>, path: &Path) -> Result<(), Error> {
    if cfg!(target_endian = "big") {
        let problem = PredictionFileError::ByteOrder;
        return Err(Error::PredictionFile { origin: path.display().to_string(), problem });
    }
    replace_by(path, &|file| {
        let mut checksum = crc32fast::Hasher::new();
        file.seek(SeekFrom::Start(HEADER as u64))?;
        for group in held.groups() {
            let bytes = bytes_of(group);
            for part in [bytes, &[0; 64][..padding(bytes.len())]] {
                file.write_all(part)?;
                checksum.update(part);
            }
        }
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&expected.header(checksum.finalize()))
    })
}
