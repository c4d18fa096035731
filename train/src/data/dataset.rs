//! A set of samples in memory.

use crate::error::{Error, count_setting, setting};
use crate::memory::{Stored, copies, values_from, zeros};
use crate::order::sorted_places;
use crate::predictor::LengthError;
use crate::random::{Random, key};
use crate::tensor::Nested;
use crate::train::Target;

/// Inputs and their targets, at least one pair: the data for training or evaluation.
#[derive(Debug, PartialEq)]
pub struct Dataset<X, Y = usize> {
    inputs: Vec<X>,
    targets: Vec<Y>,
}

impl<X: Stored, Y: Stored> Clone for Dataset<X, Y> {
    fn clone(&self) -> Self {
        Self { inputs: copies(&self.inputs), targets: copies(&self.targets) }
    }
}

impl<X, Y> Dataset<X, Y> {
    /// Creates a data set from inputs and targets, which belong together by index.
    ///
    /// # Errors
    /// [`Error::Count`] where the two numbers differ, [`Error::Empty`] where they are 0.
    pub fn new(inputs: Vec<X>, targets: Vec<Y>) -> Result<Self, Error> {
        Self::named(inputs, targets, "the dataset")
    }

    pub(super) fn named(inputs: Vec<X>, targets: Vec<Y>, origin: &str) -> Result<Self, Error> {
        let origin = origin.to_owned();
        if inputs.len() != targets.len() {
            return Err(Error::Count { origin, inputs: inputs.len(), targets: targets.len() });
        }
        if inputs.is_empty() {
            return Err(Error::Empty { origin });
        }
        Ok(Self { inputs, targets })
    }

    /// Creates a data set from pairs. Each pair goes through the stack, which [`Self::from_fn`] and [`Self::from_elements`] avoid for large images.
    ///
    /// # Errors
    /// [`Error::Empty`] without pairs.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (X, Y)>) -> Result<Self, Error> {
        let (inputs, targets) = pairs.into_iter().unzip();
        Self::new(inputs, targets)
    }

    /// Creates `count` samples, each written in place on the heap: `write` takes its index, and its input and target, initialised to zeros.
    ///
    /// ```
    /// use netwright_runtime::Tensor;
    /// use netwright_train::data::Dataset;
    /// type Image = Tensor<512, 512, 3>;
    /// type Mask = [u8; 512 * 512];
    /// let bright: Dataset<Image, Mask> = Dataset::from_fn(2, |sample, image: &mut Image, mask: &mut Mask| {
    ///     image.as_mut_slice().fill(0.5);
    ///     mask[sample] = 1;
    /// })?;
    /// assert_eq!(bright.targets()[1][1], 1);
    /// # Ok::<(), netwright_runtime::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Empty`] for a count of 0.
    pub fn from_fn(count: usize, mut write: impl FnMut(usize, &mut X, &mut Y)) -> Result<Self, Error>
    where
        X: Nested,
        Y: Nested,
    {
        let (mut inputs, mut targets) = (zeros::<X>(count), zeros::<Y>(count));
        for (sample, (input, target)) in inputs.iter_mut().zip(&mut targets).enumerate() {
            write(sample, input, target);
        }
        Self::new(inputs, targets)
    }

    /// Creates a data set from the elements of all inputs, contiguous, and those of all targets (labels, or labels of each pixel), without
    /// copying.
    ///
    /// ```
    /// use netwright_runtime::Tensor;
    /// use netwright_train::data::Dataset;
    /// let set: Dataset<Tensor<2, 2, 1>> = Dataset::from_elements(vec![0.5; 12], vec![0, 1, 1])?;
    /// assert_eq!(set.len(), 3);
    /// # Ok::<(), netwright_runtime::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Length`] where they are not a whole number of inputs or targets; those of [`Self::new`].
    pub fn from_elements(inputs: Vec<X::Element>, targets: Vec<Y::Element>) -> Result<Self, Error>
    where
        X: Nested,
        Y: Nested,
    {
        let not_whole = |what| move |LengthError { expected, found, .. }| Error::Length { what, expected, found };
        let inputs = values_from(inputs).map_err(not_whole("the elements of whole inputs"))?;
        Self::new(inputs, values_from(targets).map_err(not_whole("the elements of whole targets"))?)
    }

    /// Returns the number of samples.
    #[allow(clippy::len_without_is_empty)] // It never is.
    pub fn len(&self) -> usize {
        self.inputs.len()
    }

    /// Returns one sample; `None` for an index out of range.
    pub fn get(&self, sample: usize) -> Option<(&X, &Y)> {
        Some((self.inputs.get(sample)?, self.targets.get(sample)?))
    }

    /// Returns all inputs.
    pub fn inputs(&self) -> &[X] {
        &self.inputs
    }

    /// Returns all inputs, mutable, for example to normalise them.
    pub fn inputs_mut(&mut self) -> &mut [X] {
        &mut self.inputs
    }

    /// Returns all targets.
    pub fn targets(&self) -> &[Y] {
        &self.targets
    }

    /// Returns all targets, mutable, for example to normalise them.
    pub fn targets_mut(&mut self) -> &mut [Y] {
        &mut self.targets
    }

    /// Iterates over all samples in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&X, &Y)> {
        self.inputs.iter().zip(&self.targets)
    }

    /// Returns the inputs and the targets as two vectors.
    pub fn into_parts(self) -> (Vec<X>, Vec<Y>) {
        (self.inputs, self.targets)
    }

    /// Replaces the targets: for an autoencoder, by the inputs themselves.
    ///
    /// # Errors
    /// [`Error::Count`] where their number differs from that of the inputs.
    pub fn with_targets<Z>(self, targets: Vec<Z>) -> Result<Dataset<X, Z>, Error> {
        Dataset::new(self.inputs, targets)
    }

    /// Copies the samples with these indices, in this order; an index may occur several times, as in a bootstrap sample.
    ///
    /// # Errors
    /// [`Error::NoSuchSample`], [`Error::Empty`].
    pub fn subset(&self, samples: &[usize]) -> Result<Self, Error>
    where
        X: Stored,
        Y: Stored,
    {
        if let Some(&sample) = samples.iter().find(|&&sample| sample >= self.len()) {
            return Err(Error::NoSuchSample { sample, len: self.len() });
        }
        let inputs = copies(samples.iter().map(|&sample| &self.inputs[sample]));
        Self::named(inputs, copies(samples.iter().map(|&sample| &self.targets[sample])), "the subset")
    }

    /// Splits it into the first `count` samples and the rest.
    ///
    /// # Errors
    /// [`Error::Empty`] where either part would have no samples.
    pub fn split_at(mut self, count: usize) -> Result<(Self, Self), Error> {
        let count = count.min(self.len());
        let (inputs, targets) = (self.inputs.split_off(count), self.targets.split_off(count));
        let first = Self::named(self.inputs, self.targets, "the first part of the split")?;
        Ok((first, Self::named(inputs, targets, "the second part of the split")?))
    }

    /// Holds out `share` of the samples of each stratum and returns `(rest, held out)`, each in the original order. The same seed holds out the
    /// same samples. At least one sample of each stratum stays in the rest; if possible, other samples are held out instead.
    ///
    /// # Errors
    /// [`Error::Setting`] unless the share is greater than 0 and less than 1; [`Error::Empty`] where there are too few samples
    /// for it.
    pub fn split_by(self, share: f64, seed: u64, stratum: impl Fn(&Y) -> usize) -> Result<(Self, Self), Error> {
        setting("held-out share", share, share > 0.0 && share < 1.0, "more than 0 and less than 1")?;
        let mut strata = Vec::with_capacity(self.len());
        for target in &self.targets {
            strata.push(stratum(target));
        }
        let held_out = hold_out(&strata, share, seed);
        let (inputs, targets) = (parted(self.inputs, &held_out), parted(self.targets, &held_out));
        let rest = Self::named(inputs.0, targets.0, "the rest after holding out")?;
        Ok((rest, Self::named(inputs.1, targets.1, "the samples held out")?))
    }

    /// Returns the indices of all samples in the order of an epoch: the same for the same seed and epoch.
    pub fn order(&self, seed: u64, epoch: u64) -> Vec<usize> {
        let mut order = Vec::new();
        self.order_into(seed, epoch, &mut order);
        order
    }

    /// Writes the result of [`Self::order`] to a vector; if it is reused, nothing is allocated.
    pub fn order_into(&self, seed: u64, epoch: u64, order: &mut Vec<usize>) {
        shuffled(self.len(), seed, epoch, order);
    }

    /// Returns the batches of an epoch, shuffled; the last may be smaller.
    ///
    /// # Errors
    /// [`Error::Setting`] for a batch of 0.
    pub fn batches(&self, batch: usize, seed: u64, epoch: u64) -> Result<Batches<'_, X, Y>, Error> {
        count_setting("batch", batch, batch > 0, "at least 1")?;
        let (inputs, targets) = (Vec::new(), Vec::new());
        Ok(Batches { set: self, order: self.order(seed, epoch), batch, next: 0, inputs, targets })
    }

    /// Copies samples to vectors, contiguous; if these are reused, nothing is allocated. Indices out of range are
    /// ignored.
    pub fn gather(&self, samples: &[usize], inputs: &mut Vec<X>, targets: &mut Vec<Y>)
    where
        X: Stored,
        Y: Stored,
    {
        inputs.clear();
        targets.clear();
        for (input, target) in samples.iter().filter_map(|&sample| self.get(sample)) {
            input.append_to(inputs);
            target.append_to(targets);
        }
    }
}

/// Writes the indices below `len` in the order of an epoch to `order`.
pub(crate) fn shuffled(len: usize, seed: u64, epoch: u64, order: &mut Vec<usize>) {
    order.clear();
    order.extend(0..len);
    Random::new(key(seed, epoch, SHUFFLING, 0)).shuffle(order);
}

/// Marks the samples that are held out, so that every stratum contributes its share: see [`Dataset::split_by`].
fn hold_out(stratum_of: &[usize], share: f64, seed: u64) -> Vec<bool> {
    let samples = in_order_of(stratum_of.len(), &|sample| stratum_of[sample]);
    let strata = samples.chunk_by(|&one, &next| stratum_of[one] == stratum_of[next]);
    let mut strata: Vec<Vec<usize>> = strata.map(<[usize]>::to_vec).collect();
    let mut held_out = vec![false; stratum_of.len()];
    let mut random = Random::new(key(seed, 0, HOLDING_OUT, 0));
    // The fraction of a sample that is left in one stratum carries over to the next, so that the overall share is exact.
    let (mut owed, mut held) = (0.0, 0.0);
    // Holds out samples up to the total `owed`, but leaves at least one of each stratum.
    let mut hold_out = |unmarked: &mut Vec<usize>, owed: f64| {
        let count = ((owed - held).round().max(0.0) as usize).min(unmarked.len() - 1);
        held += count as f64;
        unmarked.drain(..count).for_each(|sample| held_out[sample] = true);
    };
    for samples in &mut strata {
        random.shuffle(samples);
        owed += share * samples.len() as f64;
        hold_out(samples, owed);
    }
    // Samples that small strata could not contribute come from the largest ones.
    for largest in in_order_of(strata.len(), &|stratum| usize::MAX - strata[stratum].len()) {
        hold_out(&mut strata[largest], owed);
    }
    held_out
}

/// Returns the indices below `len` sorted by a key; equal keys keep their order.
pub(crate) fn in_order_of(len: usize, key: &dyn Fn(usize) -> usize) -> Vec<usize> {
    sorted_places(len, &|one, other| key(one).cmp(&key(other)))
}

/// Splits values into those that are not marked, and those that are. They are moved in runs between vectors, and never through the stack.
fn parted<X>(mut values: Vec<X>, marked: &[bool]) -> (Vec<X>, Vec<X>) {
    let mut runs = Vec::new();
    for run in marked.chunk_by(|a, b| a == b).rev() {
        runs.push((run[0], values.split_off(values.len() - run.len())));
    }
    let mut parts = (Vec::new(), Vec::new());
    for (marked, mut run) in runs.into_iter().rev() {
        if marked { &mut parts.1 } else { &mut parts.0 }.append(&mut run);
    }
    parts
}

/// The purposes of random draws; each is part of the key, so that one seed serves all of them.
const HOLDING_OUT: u64 = 1;
const SHUFFLING: u64 = 2;

impl<X, Y: Target> Dataset<X, Y> {
    /// Holds out `share` of the samples, drawn by the seed, and returns `(rest, held out)`, each in the original order. For targets that are
    /// labels, `share` of each class is held out, and at least one sample of each class stays for training.
    ///
    /// ```
    /// use netwright_train::data::Dataset;
    /// let prices = Dataset::from_pairs((0..100).map(|rooms| ([rooms as f32], 50.0 * rooms as f32)))?;
    /// let (train, test) = prices.split(0.2, 1)?;
    /// assert_eq!((train.len(), test.len()), (80, 20));
    /// # Ok::<(), netwright_runtime::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Self::split_by`].
    pub fn split(self, share: f64, seed: u64) -> Result<(Self, Self), Error> {
        self.split_by(share, seed, |target| target.label().unwrap_or(0))
    }
}

impl<X> Dataset<X, usize> {
    /// Checks that every label is less than `classes`.
    ///
    /// # Errors
    /// [`Error::Label`] for the first label that is not.
    pub fn check_labels(&self, classes: usize) -> Result<(), Error> {
        check_labels(&self.targets, classes, "the dataset")
    }
}

pub(super) fn check_labels(labels: &[usize], classes: usize, origin: &str) -> Result<(), Error> {
    match labels.iter().position(|&label| label >= classes) {
        None => Ok(()),
        Some(sample) => Err(Error::Label { origin: origin.to_owned(), sample, label: labels[sample], classes }),
    }
}

/// The batches of one epoch. Its vectors are reused: get each batch by [`Self::next_batch`].
#[derive(Debug)]
pub struct Batches<'d, X, Y> {
    set: &'d Dataset<X, Y>,
    order: Vec<usize>,
    batch: usize,
    next: usize,
    inputs: Vec<X>,
    targets: Vec<Y>,
}

impl<X: Stored, Y: Stored> Batches<'_, X, Y> {
    /// Returns the next inputs and targets, or `None` at the end of the epoch.
    pub fn next_batch(&mut self) -> Option<(&[X], &[Y])> {
        let samples = self.order[self.next..].chunks(self.batch).next()?;
        self.next += samples.len();
        self.set.gather(samples, &mut self.inputs, &mut self.targets);
        Some((&self.inputs, &self.targets))
    }

    /// Returns the number of batches in the epoch.
    pub fn count(&self) -> usize {
        self.order.len().div_ceil(self.batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(len: usize, classes: usize) -> Dataset<usize> {
        Dataset::new((0..len).collect(), (0..len).map(|sample| sample % classes).collect()).unwrap()
    }

    #[test]
    fn inputs_and_targets_must_match_and_exist() {
        assert!(matches!(Dataset::new(vec![1], vec![1, 2]), Err(Error::Count { inputs: 1, targets: 2, .. })));
        assert!(matches!(Dataset::<u8, u8>::new(vec![], vec![]), Err(Error::Empty { .. })));
    }

    #[test]
    fn a_split_holds_out_its_share_of_every_class_and_loses_nothing() {
        let (rest, held_out) = set(1000, 10).split(0.2, 7).unwrap();
        assert_eq!((rest.len(), held_out.len()), (800, 200));
        for class in 0..10 {
            assert_eq!(held_out.targets().iter().filter(|&&label| label == class).count(), 20);
        }
        let mut all: Vec<_> = rest.inputs().iter().chain(held_out.inputs()).copied().collect();
        all.sort_unstable();
        assert_eq!(all, (0..1000).collect::<Vec<_>>());
        assert!(held_out.iter().all(|(input, label)| input % 10 == *label), "pairs stay together");
    }

    #[test]
    fn a_split_of_any_target_is_shuffled_and_keeps_pairs_together() {
        let numbers = Dataset::new((0..100).collect(), (0..100).map(|n| 2.0 * n as f32).collect()).unwrap();
        let (rest, held_out) = numbers.clone().split(0.25, 3).unwrap();
        assert_eq!((rest.len(), held_out.len()), (75, 25));
        assert!(held_out.iter().all(|(input, target)| 2.0 * *input as f32 == *target));
        let in_a_row = held_out.inputs().windows(2).all(|pair| pair[1] == pair[0] + 1);
        assert!(!in_a_row, "{:?}", held_out.inputs());
        assert_ne!(numbers.split(0.25, 4).unwrap().1, held_out);
        let (yes, no) = (vec![true; 20], vec![false; 80]);
        let bools = Dataset::new((0..100).collect::<Vec<_>>(), [yes, no].concat()).unwrap();
        assert_eq!(bools.split(0.25, 3).unwrap().1.targets().iter().filter(|&&yes| yes).count(), 5);
        let maps = Dataset::new((0..10).collect::<Vec<_>>(), vec![vec![1_u8, 0]; 10]).unwrap();
        assert_eq!(maps.split(0.5, 3).unwrap().1.len(), 5);
    }

    #[test]
    fn a_split_depends_on_its_seed_alone() {
        assert_eq!(set(100, 3).split(0.3, 1).unwrap().1, set(100, 3).split(0.3, 1).unwrap().1);
        assert_ne!(set(100, 3).split(0.3, 1).unwrap().1, set(100, 3).split(0.3, 2).unwrap().1);
    }

    #[test]
    fn classes_too_small_for_the_share_still_add_up_to_it() {
        let (_, held_out) = set(100, 50).split(0.1, 1).unwrap();
        assert_eq!(held_out.len(), 10);
    }

    #[test]
    fn a_class_is_never_held_out_whole() {
        let labels = |counts: [usize; 3]| -> Vec<usize> {
            counts.iter().enumerate().flat_map(|(class, &count)| std::iter::repeat_n(class, count)).collect()
        };
        for counts in [[1, 1, 8], [1, 50, 9], [3, 1, 1], [2, 2, 2]] {
            for share in [0.1, 0.5, 0.9] {
                let all = labels(counts);
                let (rest, held_out) = Dataset::new(all.clone(), all).unwrap().split(share, 1).unwrap();
                assert!(
                    (0..3).all(|class| rest.targets().contains(&class)),
                    "{counts:?} {share}: {:?}",
                    rest.targets()
                );
                let wanted = (share * counts.iter().sum::<usize>() as f64).round() as usize;
                let possible = counts.iter().map(|count| count - 1).sum::<usize>();
                assert_eq!(held_out.len(), wanted.min(possible), "{counts:?} {share}");
            }
        }
        assert!(matches!(set(3, 3).split(0.5, 1), Err(Error::Empty { .. })), "nothing can be held out");
    }

    #[test]
    fn a_split_without_sense_or_samples_is_refused() {
        for share in [0.0, 1.0, -0.5, f64::NAN] {
            assert!(matches!(set(10, 2).split(share, 1), Err(Error::Setting { .. })), "{share}");
        }
        assert!(matches!(set(2, 1).split(0.1, 1), Err(Error::Empty { .. })));
        assert!(matches!(set(2, 1).split_at(2), Err(Error::Empty { .. })));
        assert_eq!(set(5, 1).split_at(2).unwrap().1.inputs(), [2, 3, 4]);
    }

    #[test]
    fn an_epoch_has_every_sample_once_in_an_order_of_its_own() {
        let set = set(25, 5);
        let mut seen = Vec::new();
        let mut batches = set.batches(4, 3, 0).unwrap();
        assert_eq!(batches.count(), 7);
        while let Some((inputs, targets)) = batches.next_batch() {
            assert!(inputs.iter().zip(targets).all(|(input, target)| input % 5 == *target));
            seen.extend_from_slice(inputs);
        }
        assert_eq!(seen, set.order(3, 0));
        assert_ne!(set.order(3, 0), set.order(3, 1));
        assert_ne!(set.order(3, 0), set.order(4, 0));
        seen.sort_unstable();
        assert_eq!(seen, (0..25).collect::<Vec<_>>());
        assert!(matches!(set.batches(0, 1, 0), Err(Error::Setting { setting: "batch", .. })));
    }

    #[test]
    fn a_subset_may_repeat_samples_but_not_invent_them() {
        assert_eq!(set(5, 5).subset(&[4, 0, 4]).unwrap().inputs(), [4, 0, 4]);
        assert!(matches!(set(5, 5).subset(&[5]), Err(Error::NoSuchSample { sample: 5, len: 5 })));
        assert!(matches!(set(5, 5).subset(&[]), Err(Error::Empty { .. })));
    }

    #[test]
    fn a_label_that_is_no_class_is_named_with_its_sample() {
        assert!(set(9, 3).check_labels(3).is_ok());
        assert!(matches!(set(9, 3).check_labels(2), Err(Error::Label { sample: 2, label: 2, classes: 2, .. })));
    }
}
