//! Bagging: networks of one type on bootstrap samples, predicting together (slide 17).

use core::fmt;

use super::samples::{Choice, Samples};
use super::target::{Reading, Target, predicted_class};
use super::threads::Threads;
use crate::error::{Error, setting};
use crate::network::Network;
use crate::random::{Random, key};
use crate::scalar::Scalar;
use crate::tensor::{Output, Sample};

/// What random draws are for, so that one seed serves for all.
const BOOTSTRAP: u64 = 32;
const WEIGHTS: u64 = 33;

/// Trains k networks, each on its own bootstrap sample: as many samples as there are, drawn with replacement (Breiman, 1994;
/// slide 17). They are trained side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bagging {
    members: usize,
    seed: u64,
    threads: usize,
}

impl Bagging {
    /// Of `members` networks, with seed 0, on all processors.
    ///
    /// # Errors
    /// [`Error::Setting`] for 0.
    pub fn new(members: usize) -> Result<Self, Error> {
        setting("members", members as f64, members > 0, "at least 1")?;
        Ok(Self { members, seed: 0, threads: Threads::available() })
    }

    /// What the bootstrap samples and the first weights are drawn from.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// How many members are trained at a time; results do not depend on it.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// The bootstrap sample of a member: `len` numbers below `len`.
    pub fn bootstrap(&self, member: usize, len: usize) -> Vec<usize> {
        let mut random = Random::new(key(self.seed, member as u64, BOOTSTRAP, 0));
        (0..len).map(|_| random.below(len as u64) as usize).collect()
    }

    /// Trains every member by `train`, which gets its number, its network with first weights, and its bootstrap sample. Let a
    /// [`Trainer`](super::Trainer) inside have one thread and no progress bar, for the members already run side by side.
    ///
    /// # Errors
    /// [`Error::Empty`] without samples, [`Error::Setting`] for 0 threads, and the first error of a member.
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
        threads.each(&mut networks, &mut results, |member, network, result| {
            let sample = Choice::new::<N::Input, Y>(samples, self.bootstrap(member, samples.len()));
            *result = sample.and_then(|sample| train(member, network, &sample));
        });
        results.into_iter().collect::<Result<(), Error>>()?;
        Ok(Ensemble { networks })
    }
}

/// Networks of one type that predict together.
#[derive(Clone, Debug)]
pub struct Ensemble<N> {
    networks: Vec<N>,
}

/// How an ensemble does beside its members: shares of right answers, from 0 to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct EnsembleAccuracy {
    /// By the mean of the answers.
    pub mean: f64,
    /// By vote.
    pub vote: f64,
    /// Each member alone.
    pub members: Vec<f64>,
}

/// A line for each member, then the ensemble.
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
    /// Of networks trained elsewhere.
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

    /// Its networks.
    pub fn networks(&self) -> &[N] {
        &self.networks
    }

    /// The mean of the answers for one image: the average of a regression, or of the classes' probabilities.
    pub fn predict(&self, image: &N::Input) -> N::Output {
        let mut mean = N::Output::zeros();
        let share = N::Scalar::from_f64(1.0 / self.networks.len() as f64);
        for network in &self.networks {
            let answer = network.predict(image);
            mean.numbers_mut().iter_mut().zip(answer.numbers()).for_each(|(mean, a)| *mean += share * *a);
        }
        mean
    }

    /// The class that most networks name for one image; of equals the lowest.
    pub fn vote(&self, image: &N::Input) -> usize {
        self.winner(self.networks.iter().map(|network| predicted_class(network.predict(image).numbers())))
    }

    fn winner(&self, votes: impl Iterator<Item = usize>) -> usize {
        let mut counts = vec![0_usize; super::target::classes(N::OUTPUT.len())];
        votes.for_each(|class| counts[class] += 1);
        let most = counts.iter().max().copied().unwrap_or(0);
        counts.iter().position(|&count| count == most).unwrap_or(0)
    }

    /// The accuracy on labelled samples, by mean and by vote, and of each member alone.
    ///
    /// # Errors
    /// [`Error::Empty`] without samples, [`Error::Target`] for targets that are no labels.
    pub fn accuracy<Y, S>(&self, samples: &S) -> Result<EnsembleAccuracy, Error>
    where
        Y: Target,
        S: Samples<N::Input, Y> + ?Sized,
    {
        if samples.is_empty() {
            return Err(Error::Empty { origin: samples.origin().to_owned() });
        }
        let reading = Reading::of::<N::Head>();
        let (mut mean, mut vote, mut members) = (0.0, 0.0, vec![0.0; self.networks.len()]);
        for sample in 0..samples.len() {
            let (image, target) = (samples.input(sample), samples.target(sample));
            let label = target.label().ok_or_else(|| Error::Target {
                origin: samples.origin().to_owned(),
                sample,
                expected: "a label",
                found: f64::NAN,
            })?;
            let answers: Vec<N::Output> = self.networks.iter().map(|network| network.predict(image)).collect();
            for (right, answer) in members.iter_mut().zip(&answers) {
                *right += target.score(answer.numbers(), reading).unwrap_or(0.0);
            }
            mean += target.score(self.predict(image).numbers(), reading).unwrap_or(0.0);
            let named = self.winner(answers.iter().map(|answer| predicted_class(answer.numbers())));
            vote += f64::from(u8::from(named == label));
        }
        let share = |right: f64| right / samples.len() as f64;
        Ok(EnsembleAccuracy { mean: share(mean), vote: share(vote), members: members.into_iter().map(share).collect() })
    }
}
