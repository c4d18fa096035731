//! Bagging: an ensemble of networks of one type, trained on bootstrap samples (slide 17).

use core::fmt;

use super::samples::{Choice, Samples};
use super::target::{Reading, Target, predicted_class, rows};
use crate::error::{Error, count_setting};
use crate::memory::{copies, zeros};
use crate::network::Network;
use crate::predictor::by_value;
use crate::random::{Random, key};
use crate::scalar::Precision;
use crate::tensor::{Output, Sample};
use crate::threads::Threads;

/// The purposes of random draws; each is part of the key, so that one seed serves all of them.
const BOOTSTRAP: u64 = 32;
const WEIGHTS: u64 = 33;

/// Trains k networks in parallel, each on its own bootstrap sample: as many samples as the data set has, drawn with replacement (Breiman,
/// 1994; slide 17).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bagging {
    members: usize,
    seed: u64,
    threads: usize,
    bootstrap: bool,
}

impl Bagging {
    /// Creates a bagging of `members` networks, with seed 0, on all processors.
    ///
    /// # Errors
    /// [`Error::Setting`] for 0.
    pub fn new(members: usize) -> Result<Self, Error> {
        count_setting("members", members, members > 0, "at least 1")?;
        Ok(Self { members, seed: 0, threads: Threads::available(), bootstrap: true })
    }

    /// Sets whether each member is trained on a bootstrap sample, the default, or on all samples. In the latter case members differ by their
    /// initial weights and by the random draws of training (deep ensembles; Lakshminarayanan et al., 2017).
    pub fn bootstrap(mut self, bootstrap: bool) -> Self {
        self.bootstrap = bootstrap;
        self
    }

    /// Sets the seed of the bootstrap samples and the initial weights.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets the number of members that are trained at a time; results do not depend on it.
    ///
    /// # Errors
    /// [`Error::Setting`] for 0.
    pub fn threads(mut self, threads: usize) -> Result<Self, Error> {
        self.threads = crate::threads::check(threads)?;
        Ok(self)
    }

    /// Returns the indices of a member's samples: `len` numbers below `len`, drawn with replacement.
    pub fn sample(&self, member: usize, len: usize) -> Vec<usize> {
        if !self.bootstrap {
            return (0..len).collect();
        }
        let mut random = Random::new(key(self.seed, member as u64, BOOTSTRAP, 0));
        (0..len).map(|_| random.below(len as u64) as usize).collect()
    }

    /// Trains every member by `train`, which receives its index, its network with initial weights, and its samples. Inside, set a
    /// [`Trainer`](super::Trainer) to one thread and no progress bar, since the members already run in parallel.
    ///
    /// # Errors
    /// [`Error::Empty`] without samples, [`Error::Threads`] where the system cannot start threads, and the first error of a member.
    pub fn fit<N, Y, S>(
        &self,
        samples: &S,
        train: impl Fn(usize, &mut N, &Choice<'_, S>) -> Result<(), Error> + Sync,
    ) -> Result<Ensemble<N>, Error>
    where
        N: Network,
        Y: Target,
        S: Samples<N::Input, Y>,
    {
        if samples.is_empty() {
            return Err(Error::Empty { origin: samples.origin().to_owned() });
        }
        let threads = Threads::new(self.threads)?;
        let mut networks: Vec<N> =
            (0..self.members).map(|member| N::init(key(self.seed, member as u64, WEIGHTS, 0))).collect();
        let mut results: Vec<Result<(), Error>> = (0..self.members).map(|_| Ok(())).collect();
        threads.each(&mut networks, &mut results, &|member, network, result| {
            let sample = Choice::new::<N::Input, Y>(samples, self.sample(member, samples.len()));
            *result = sample.and_then(|sample| train(member, network, &sample));
        });
        results.into_iter().collect::<Result<(), Error>>()?;
        Ok(Ensemble { networks })
    }
}

/// Networks of one type whose predictions are combined.
#[derive(Clone, Debug)]
pub struct Ensemble<N> {
    networks: Vec<N>,
}

/// The accuracy of an ensemble and of each of its members, from 0 to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct EnsembleAccuracy {
    /// The accuracy of the mean of the answers.
    pub mean: f64,
    /// The accuracy of the majority vote.
    pub vote: f64,
    /// The accuracy of each member alone.
    pub members: Vec<f64>,
}

/// Prints a line for each member, then those of the ensemble.
impl fmt::Display for EnsembleAccuracy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (member, accuracy) in self.members.iter().enumerate() {
            writeln!(f, "member {:<2} alone   {:>6.2} %", member + 1, 100.0 * accuracy)?;
        }
        writeln!(f, "by their mean     {:>6.2} %", 100.0 * self.mean)?;
        write!(f, "by their vote     {:>6.2} %", 100.0 * self.vote)
    }
}

impl<N: Network> Ensemble<N> {
    /// Creates an ensemble of trained networks.
    ///
    /// # Errors
    /// [`Error::Empty`] without networks.
    pub fn new(networks: Vec<N>) -> Result<Self, Error> {
        if networks.is_empty() {
            Err(Error::Empty { origin: "the ensemble".to_owned() })
        } else {
            Ok(Self { networks })
        }
    }

    /// Returns its networks.
    pub fn networks(&self) -> &[N] {
        &self.networks
    }

    /// Returns the mean of the answers for one image: the average of a regression, or of the classes' probabilities.
    pub fn predict(&self, image: &N::Input) -> N::Output {
        let mut answer = by_value::<N>();
        self.predict_into(image, &mut answer);
        answer
    }

    /// Writes the result of [`Ensemble::predict`] to `answer`: for an answer larger than the stack.
    pub fn predict_into(&self, image: &N::Input, answer: &mut N::Output) {
        let answers = self.answers(core::slice::from_ref(image));
        mean(answers.iter().map(|answers| &answers[0]), answer);
    }

    /// Runs [`Ensemble::predict`] on many images.
    pub fn predict_batch(&self, images: &[N::Input]) -> Vec<N::Output> {
        let answers = self.answers(images);
        let mut means = zeros(images.len());
        for (image, answer) in means.iter_mut().enumerate() {
            mean(answers.iter().map(|answers| &answers[image]), answer);
        }
        means
    }

    /// Returns the class that most networks predict for one image; in a tie the lowest. `None` where no network predicts a class.
    pub fn vote(&self, image: &N::Input) -> Option<usize> {
        let answers = self.answers(core::slice::from_ref(image));
        winner(answers.iter().map(|answers| answers[0].elements()))
    }

    /// Returns the answers of each network for all images.
    fn answers(&self, images: &[N::Input]) -> Vec<Vec<N::Output>> {
        self.networks.iter().map(|network| network.predict_batch(images)).collect()
    }

    /// Computes the accuracy on labelled samples, by mean and by vote, and of each member alone. Where a sample has many labels, all positions
    /// count.
    ///
    /// # Errors
    /// [`Error::Empty`] without samples, [`Error::NoLabels`] for targets that are not labels.
    pub fn accuracy<Y, S>(&self, samples: &S) -> Result<EnsembleAccuracy, Error>
    where
        N: Network<Input: Clone>,
        Y: Target,
        S: Samples<N::Input, Y> + ?Sized,
    {
        if samples.is_empty() {
            return Err(Error::Empty { origin: samples.origin().to_owned() });
        }
        let reading = Reading::of::<N::Head>();
        let right = |target: &Y, answer: &N::Output| target.score(answer.elements(), reading).unwrap_or(0.0);
        let (mut by_mean, mut by_vote, mut members) = (0.0, 0.0, vec![0.0; self.networks.len()]);
        let mut together: Vec<N::Output> = zeros(1);
        for first in (0..samples.len()).step_by(IMAGES_PER_PASS) {
            let range = first..samples.len().min(first + IMAGES_PER_PASS);
            let images = copies(range.clone().map(|sample| samples.input(sample)));
            let answers = self.answers(&images);
            for sample in range {
                let target = samples.target(sample);
                let positions = target.positions();
                if positions == 0 {
                    return Err(Error::NoLabels { origin: samples.origin().to_owned() });
                }
                let own = answers.iter().map(|answers| &answers[sample - first]);
                members.iter_mut().zip(own.clone()).for_each(|(sum, answer)| *sum += right(target, answer));
                mean(own.clone(), &mut together[0]);
                by_mean += right(target, &together[0]);
                let at = |position: usize| {
                    own.clone().filter_map(move |answer| rows(answer.elements(), positions).nth(position))
                };
                let named = |position: &usize| {
                    let named = winner(at(*position));
                    named.is_some() && named == target.label_at(*position)
                };
                by_vote += (0..positions).filter(named).count() as f64 / positions as f64;
            }
        }
        let share = |right: f64| right / samples.len() as f64;
        let members = members.into_iter().map(share).collect();
        Ok(EnsembleAccuracy { mean: share(by_mean), vote: share(by_vote), members })
    }
}

/// The number of images in one batch of predictions.
const IMAGES_PER_PASS: usize = 64;

/// Writes the mean of some answers.
fn mean<'a, T: Precision, A: Output<T> + 'a>(answers: impl ExactSizeIterator<Item = &'a A>, mean: &mut A) {
    let share = T::from_f64(1.0 / answers.len() as f64);
    mean.elements_mut().fill(T::ZERO);
    for answer in answers {
        mean.elements_mut().iter_mut().zip(answer.elements()).for_each(|(mean, a)| *mean += share * *a);
    }
}

/// Returns the class that most answers predict; in a tie the lowest.
fn winner<'a, T: Precision>(answers: impl Iterator<Item = &'a [T]>) -> Option<usize> {
    let mut votes: Vec<usize> = answers.filter_map(predicted_class).collect();
    votes.sort_unstable();
    let most = votes.chunk_by(|one, next| one == next).rev().max_by_key(|votes| votes.len())?;
    Some(most[0])
}
