//! Predictions of any number of images on any number of threads, shared by networks and owned predictors.

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

/// The number of images per pass of [`Predicting::many`]: enough to fill the kernels, few enough for the cache.
const IMAGES_PER_PASS: usize = 32;

/// The weights, workspaces and settings of a prediction.
pub(crate) struct Predicting<'a, N: Architecture> {
    pub(crate) weights: PredictionWeights<'a, N::Scalar>,
    pub(crate) workspaces: &'a WorkspacePool<N::Scalar>,
    /// `None` means the pool that all networks share.
    pub(crate) threads: Option<&'a Threads>,
    /// `None` means the processor's widest instruction set.
    pub(crate) isa: Option<Isa>,
}

impl<N: Architecture> Clone for Predicting<'_, N> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<N: Architecture> Copy for Predicting<'_, N> {}

/// The number of multiply-adds below which a prediction uses no other threads: waking them would take longer.
const MIN_MACS_FOR_THREADS: u64 = 1 << 23;

impl<'a, N: Architecture> Predicting<'a, N> {
    /// Returns the threads for `images` images, if there are several and using them pays.
    fn threads(self, images: usize) -> Option<&'a Threads> {
        if N::MACS.saturating_mul(images as u64) < MIN_MACS_FOR_THREADS || Threads::are_busy() {
            return None;
        }
        let threads = self.threads.unwrap_or_else(|| Threads::shared());
        (threads.count() > 1).then_some(threads)
    }

    fn context<'c>(self, context: Context<'c>) -> Context<'c> {
        self.isa.map_or(context, |isa| context.with_isa(isa))
    }

    /// Predicts as many images as there are answers. Many images are divided between the threads; for few images, threads share the work of
    /// each layer instead. `logits` may be empty.
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

    /// Divides the images into `parts` parts and predicts these in parallel.
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

    /// Predicts on the caller's thread. There are as many `logits` as answers, or none.
    fn all(self, images: &[N::Input], answers: &mut [N::Output], logits: &mut [N::Output]) {
        let in_blocks = images_in_blocks::<N>(images.len());
        let (blocks, images) = images.split_at(in_blocks);
        let (block_answers, answers) = answers.split_at_mut(in_blocks);
        let (block_logits, logits) = logits.split_at_mut(in_blocks.min(logits.len()));
        let mut block_logits = block_logits.chunks_mut(LANES);
        for (images, answers) in blocks.chunks(LANES).zip(block_answers.chunks_mut(LANES)) {
            self.block(images, answers, block_logits.next().unwrap_or_default());
        }
        let mut logits = logits.chunks_mut(IMAGES_PER_PASS);
        for (images, answers) in images.chunks(IMAGES_PER_PASS).zip(answers.chunks_mut(IMAGES_PER_PASS)) {
            let logits = logits.next().unwrap_or_default();
            self.pass(Context::of(images.len()), images, answers, logits, &mut Unobserved);
        }
    }

    /// Predicts the images of one pass. There are as many `logits` as answers, or none.
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

    /// Predicts a block of images on the caller's thread. There are as many `logits` as answers, or none.
    fn block(self, images: &[N::Input], answers: &mut [N::Output], logits: &mut [N::Output]) {
        let context = self.context(Context::of(images.len()));
        let len = blocks::<N>().map_or(0, |blocks| blocks.workspace(images.len()));
        N::Scalar::with_workspace(self.workspaces, len, &mut |workspace| {
            let (images, answers) = (Sample::many(images), Output::many_mut(answers));
            N::predict_blocks(&context, self.weights, images, workspace, answers, Output::many_mut(logits));
        });
    }
}

/// Returns the program for blocks of images, if there is one. Double precision, which is for checks, has no vectors that it would fill.
fn blocks<N: Architecture>() -> Option<ImageBlocks> {
    N::BLOCKS.filter(|_| size_of::<N::Scalar>() == size_of::<f32>())
}

/// Returns how many of `count` images are predicted in blocks. It depends on the count alone, never on the number of threads.
fn images_in_blocks<N: Architecture>(count: usize) -> usize {
    blocks::<N>().map_or(0, |blocks| blocks.images(count))
}
