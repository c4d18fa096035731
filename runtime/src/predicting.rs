//! Predictions of any number of images, on any number of threads: what a network and an owned predictor share.

use netwright_abi::LANES;

use crate::architecture::{Architecture, ImageBlocks};
use crate::context::Context;
use crate::memory::WorkspacePool;
use crate::observer::{Observer, Unobserved};
use crate::once::Once;
use crate::prediction_weights::PredictionWeights;
use crate::simd::Isa;
use crate::tensor::{Output, Sample};
use crate::threads::Threads;

/// How many images [`Predicting::many`] sends through at a time: enough to fill the kernels, few enough for the cache.
const PREDICTED_TOGETHER: usize = 32;

/// What a prediction reads and works with.
pub(crate) struct Predicting<'a, N: Architecture> {
    pub(crate) weights: PredictionWeights<'a, N::Scalar>,
    pub(crate) workspaces: &'a WorkspacePool<N::Scalar>,
    /// Unless they were set, those that all networks share.
    pub(crate) threads: Option<&'a Threads>,
    /// Unless it was set, the processor's widest.
    pub(crate) isa: Option<Isa>,
}

impl<N: Architecture> Clone for Predicting<'_, N> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<N: Architecture> Copy for Predicting<'_, N> {}

/// Multiply-adds below which a prediction does not look for other threads: they would take longer to wake.
const WORTH_THREADS: u64 = 1 << 23;

impl<'a, N: Architecture> Predicting<'a, N> {
    /// The threads for so many images, where there are several and it pays.
    fn threads(self, images: usize) -> Option<&'a Threads> {
        if N::MACS.saturating_mul(images as u64) < WORTH_THREADS || Threads::are_busy() {
            return None;
        }
        let threads = self.threads.unwrap_or_else(|| Threads::shared());
        (threads.count() > 1).then_some(threads)
    }

    fn context<'c>(self, context: Context<'c>) -> Context<'c> {
        self.isa.map_or(context, |isa| context.with_isa(isa))
    }

    /// As many images as there are answers. Several are cut between the threads; of few, every layer is. `logits` may be empty.
    pub(crate) fn many(self, images: &[N::Input], answers: &mut [N::Output], logits: &mut [N::Output]) {
        match self.threads(images.len()) {
            None => self.all(images, answers, logits),
            Some(threads) if images.len() >= threads.count() || images_in_blocks::<N>(images.len()) > 0 => {
                threads.install(|| self.halve(threads, threads.count(), images, answers, logits));
            }
            Some(threads) => threads.install(|| {
                self.pass(Context::on(images.len(), threads), images, answers, logits, &mut Unobserved);
            }),
        }
    }

    /// In so many parts, side by side.
    fn halve(
        self,
        threads: &Threads,
        parts: usize,
        images: &[N::Input],
        answers: &mut [N::Output],
        logits: &mut [N::Output],
    ) {
        if parts == 1 {
            return self.all(images, answers, logits);
        }
        let low = parts / 2;
        let middle = images.len() * low / parts;
        let middle = if blocks::<N>().is_some() { middle.next_multiple_of(LANES).min(images.len()) } else { middle };
        let (images, high_images) = images.split_at(middle);
        let (answers, high_answers) = answers.split_at_mut(middle);
        let (logits, high_logits) = logits.split_at_mut(middle.min(logits.len()));
        threads.both(
            || self.halve(threads, low, images, answers, logits),
            || self.halve(threads, parts - low, high_images, high_answers, high_logits),
        );
    }

    /// On the caller's thread. There are as many `logits` as answers, or none.
    fn all(self, images: &[N::Input], answers: &mut [N::Output], logits: &mut [N::Output]) {
        let in_blocks = images_in_blocks::<N>(images.len());
        let (blocks, images) = images.split_at(in_blocks);
        let (block_answers, answers) = answers.split_at_mut(in_blocks);
        let (block_logits, logits) = logits.split_at_mut(in_blocks.min(logits.len()));
        let mut block_logits = block_logits.chunks_mut(LANES);
        for (images, answers) in blocks.chunks(LANES).zip(block_answers.chunks_mut(LANES)) {
            self.block(images, answers, block_logits.next().unwrap_or_default());
        }
        let mut logits = logits.chunks_mut(PREDICTED_TOGETHER);
        for (images, answers) in images.chunks(PREDICTED_TOGETHER).zip(answers.chunks_mut(PREDICTED_TOGETHER)) {
            let logits = logits.next().unwrap_or_default();
            self.pass(Context::of(images.len()), images, answers, logits, &mut Unobserved);
        }
    }

    /// The images of a context. There are as many `logits` as answers, or none.
    pub(crate) fn pass<O: Observer<N::Scalar>>(
        self,
        context: Context<'_>,
        images: &[N::Input],
        answers: &mut [N::Output],
        logits: &mut [N::Output],
        observer: &mut O,
    ) {
        let context = self.context(context);
        let len = N::PREDICTING.for_threads(context.batch, context.threads());
        N::Scalar::with_workspace(self.workspaces, len, &mut |workspace| {
            let (images, answers) = (Sample::many(images), Output::many_mut(answers));
            N::predict_pass(&context, self.weights, images, workspace, answers, Output::many_mut(logits), observer);
        });
    }

    /// A block of images on the caller's thread. There are as many `logits` as answers, or none.
    fn block(self, images: &[N::Input], answers: &mut [N::Output], logits: &mut [N::Output]) {
        let context = self.context(Context::of(images.len()));
        let len = blocks::<N>().map_or(0, |blocks| blocks.workspace(images.len()));
        N::Scalar::with_workspace(self.workspaces, len, &mut |workspace| {
            let (images, answers) = (Sample::many(images), Output::many_mut(answers));
            N::predict_blocks(&context, self.weights, images, workspace, answers, Output::many_mut(logits));
        });
    }
}

/// The program for blocks of images, where there is one. Double precision, which is for checks, has no vectors that it would fill.
fn blocks<N: Architecture>() -> Option<ImageBlocks> {
    N::BLOCKS.filter(|_| size_of::<N::Scalar>() == size_of::<f32>())
}

/// How many of `count` images are predicted in blocks. Their places alone decide, never threads.
fn images_in_blocks<N: Architecture>(count: usize) -> usize {
    blocks::<N>().map_or(0, |blocks| blocks.images(count))
}
