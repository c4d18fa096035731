//! The images of one piece of a batch: gathered, augmented, mixed and attacked on the piece's own thread.

use core::ops::Range;

use super::adversarial::AdversarialTraining;
use super::augment::{Augment, Mixup};
use super::gradient::{Piece, Step};
use super::samples::Samples;
use super::target::Target;
use crate::error::Error;
use crate::loss::Loss;
use crate::network::Network;
use crate::random::{Random, key};
use crate::scalar::Scalar;
use crate::tensor::Sample;

/// What random draws are for, so that one seed serves for all. `SHUFFLING` is that of `Dataset::order`.
pub(crate) const SHUFFLING: u64 = 2;
const AUGMENTING: u64 = 16;
const MIXING: u64 = 17;
const ATTACKING: u64 = 18;

/// Images seen as the numbers they are, to change.
pub(crate) type NumbersMut<N> = fn(
    &mut [<N as crate::architecture::Architecture>::Input],
) -> &mut [<N as crate::architecture::Architecture>::Scalar];

/// Mixup, with what it needs to know of inputs and targets.
pub(crate) struct Mixing<N: Network, Y> {
    pub(crate) mixup: Mixup,
    pub(crate) numbers: NumbersMut<N>,
    pub(crate) targets: fn(&mut Y, &Y, f64),
}

/// Adversarial training, with what it needs to know of inputs.
pub(crate) struct Attacking<N: Network> {
    pub(crate) training: AdversarialTraining,
    pub(crate) numbers: NumbersMut<N>,
}

/// What happens to samples on their way into a batch.
pub(crate) struct Preparation<N: Network, Y> {
    pub(crate) seed: u64,
    pub(crate) augment: Option<Box<dyn Augment<N::Input>>>,
    pub(crate) mixing: Option<Mixing<N, Y>>,
    pub(crate) attacking: Option<Attacking<N>>,
}

/// The memory of one piece's images.
pub(crate) struct Feed<N: Network, Y> {
    inputs: Vec<N::Input>,
    targets: Vec<Y>,
    /// The other sample of a mixup.
    partner: Vec<N::Input>,
    /// The images before an attack, and the gradient of the loss with respect to them.
    clean: Vec<N::Input>,
    slopes: Vec<N::Scalar>,
}

impl<N: Network<Input: Clone>, Y: Target> Feed<N, Y> {
    /// For up to `images` images of `samples`, which are not empty.
    pub(crate) fn new<S: Samples<N::Input, Y>>(images: usize, samples: &S, preparation: &Preparation<N, Y>) -> Self {
        // From slice to slice: an image may be larger than what is left of a thread's stack.
        let copies = |count: usize| {
            let mut copies = Vec::with_capacity(count);
            (0..count).for_each(|_| copies.extend_from_slice(core::slice::from_ref(samples.input(0))));
            copies
        };
        let attacked = if preparation.attacking.is_some() { images } else { 0 };
        Self {
            inputs: copies(images),
            targets: vec![samples.target(0).clone(); images],
            partner: copies(usize::from(preparation.mixing.is_some())),
            clean: copies(attacked),
            slopes: vec![N::Scalar::ZERO; attacked * N::Input::LEN],
        }
    }

    /// Brings the samples `indices` in, as they are in `epoch`.
    fn fill<S: Samples<N::Input, Y>>(
        &mut self,
        samples: &S,
        indices: &[usize],
        epoch: u64,
        preparation: &Preparation<N, Y>,
    ) {
        let copy = |index: usize, place: &mut [N::Input], purpose: u64| match &preparation.augment {
            Some(augment) => {
                let mut random = Random::new(key(preparation.seed, epoch, purpose, index as u64));
                augment.augment(samples.input(index), &mut place[0], &mut random);
            }
            // A slice of `Copy` numbers is cloned by one copy of memory.
            None => place.clone_from_slice(core::slice::from_ref(samples.input(index))),
        };
        for (place, &index) in indices.iter().enumerate() {
            copy(index, &mut self.inputs[place..=place], AUGMENTING);
            self.targets[place].clone_from(samples.target(index));
            if let Some(Mixing { mixup, numbers, targets }) = &preparation.mixing {
                let mut random = Random::new(key(preparation.seed, epoch, MIXING, index as u64));
                let share = mixup.share(&mut random);
                let other = random.below(samples.len() as u64) as usize;
                // Another key than that of `other` itself: the partner is changed in a way of its own.
                copy(other, &mut self.partner, AUGMENTING ^ (MIXING << 8));
                let partner = Sample::many(&self.partner);
                super::augment::blend(numbers(&mut self.inputs[place..=place]), partner, share);
                targets(&mut self.targets[place], samples.target(other), share);
            }
        }
    }

    /// Moves a share of the images up the gradient of their loss.
    fn attack<L: Loss<N::Head, Y>>(
        &mut self,
        step: Step<'_, N>,
        first: usize,
        count: usize,
        piece: &mut Piece<N>,
        loss: &L,
        attacking: &Attacking<N>,
    ) -> Result<(), Error> {
        let AdversarialTraining { attack, share } = attacking.training;
        let (targets, slopes) = (&self.targets[..count], &mut self.slopes[..count * N::Input::LEN]);
        self.clean[..count].clone_from_slice(&self.inputs[..count]);
        for _ in 0..attack.iterations() {
            piece.run(step, first, &self.inputs[..count], targets, loss, slopes)?;
            for place in 0..count {
                let image = (first + place) as u64;
                let drawn = Random::new(key(step.pass().seed, step.pass().step, ATTACKING, image)).uniform();
                if drawn < share {
                    let clean = self.clean[place].numbers();
                    let slopes = &slopes[place * N::Input::LEN..][..N::Input::LEN];
                    attack.advance(clean, (attacking.numbers)(&mut self.inputs[place..=place]), slopes);
                }
            }
        }
        Ok(())
    }

    /// Everything for one piece of a step: its samples brought in, then forward, loss and backward.
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn run<S: Samples<N::Input, Y>, L: Loss<N::Head, Y>>(
        &mut self,
        step: Step<'_, N>,
        images: Range<usize>,
        piece: &mut Piece<N>,
        samples: &S,
        order: &[usize],
        epoch: u64,
        preparation: &Preparation<N, Y>,
        loss: &L,
    ) -> Result<(), Error> {
        let (first, count) = (images.start, images.len());
        self.fill(samples, &order[images], epoch, preparation);
        if let Some(attacking) = &preparation.attacking {
            self.attack(step, first, count, piece, loss, attacking)?;
        }
        piece.run(step, first, &self.inputs[..count], &self.targets[..count], loss, &mut [])
    }
}
