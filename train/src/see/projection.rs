//! Projections: which elements of an image excited a feature, by propagating the feature back to the image.

use super::feature::Feature;
use super::picture::Picture;
use super::probe::Probe;
use crate::error::Error;
use crate::network::Network;
use crate::pass::BackwardRule;
use crate::scalar::Scalar;
use crate::tensor::Sample;

/// A feature projected back to the image for which it was computed.
#[derive(Clone, Debug, PartialEq)]
pub struct Projection {
    /// The value of the feature for this image.
    pub value: f64,
    /// The row and column of its element in its feature map; `[0, 0]` for a class, and for the mean of a map.
    pub place: [usize; 2],
    /// The projection, with an element for each element of the image.
    pub picture: Picture,
}

/// Projects a feature back to `image`. The network runs as in prediction.
///
/// | rule | what it shows |
/// |---|---|
/// | [`BackwardRule::Gradient`] | how the feature changes with each element of the image: the saliency of Simonyan et al. (2014) |
/// | [`BackwardRule::Deconvnet`] | the pattern that excited the feature: Zeiler and Fergus (2014), slide 27 |
/// | [`BackwardRule::Guided`] | the same with less noise: guided back-propagation, Springenberg et al. (2015) |
///
/// The rules differ at rectifiers alone: in a network of tanh all three give the gradient. Max pooling propagates to the largest
/// element of each window (the switches of the deconvnet). With the deconvnet's rule the pass starts from the feature's value, else from 1.
///
/// # Errors
/// [`Error::NoSuchLayer`] and [`Error::Outside`] for a feature that the network does not have.
///
/// ```
/// use netwright_runtime::{BackwardRule, Error, network::Network};
/// use netwright_train::see::{Feature, Projection, projection};
///
/// fn why<N: Network>(network: &N, image: &N::Input, class: usize) -> Result<Projection, Error> {
///     projection(network, image, &Feature::class(class), BackwardRule::Guided)
/// }
/// ```
pub fn projection<N: Network>(
    network: &N,
    image: &N::Input,
    feature: &Feature,
    rule: BackwardRule,
) -> Result<Projection, Error> {
    Projector::new(network).project(image, feature, rule)
}

/// Runs [`projection`] for many images and features, with one workspace.
pub struct Projector<'n, N: Network> {
    probe: Probe<'n, N>,
    gradient: Vec<N::Scalar>,
}

impl<'n, N: Network> Projector<'n, N> {
    /// Allocates the workspace, for one image at a time.
    pub fn new(network: &'n N) -> Self {
        Self { probe: Probe::new(network), gradient: vec![N::Scalar::ZERO; N::Input::LEN] }
    }

    /// Projects a feature back to an image: see [`projection`].
    ///
    /// # Errors
    /// As [`projection`].
    pub fn project(&mut self, image: &N::Input, feature: &Feature, rule: BackwardRule) -> Result<Projection, Error> {
        let reading = self.probe.run(image, feature.locate::<N>()?, rule, &mut self.gradient)?;
        let picture = Picture::of_shape(N::INPUT, &self.gradient);
        Ok(Projection { value: reading.value, place: reading.place, picture })
    }
}

impl<N: Network> core::fmt::Debug for Projector<'_, N> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Projector<{}>", N::NAME)
    }
}

impl Projection {
    /// Returns the smallest rectangle of the image that contains all elements other than 0, as `([row, column], [height, width])`: the
    /// receptive field of the feature, as far as the projection is not 0. `None` if all elements are 0.
    pub fn extent(&self) -> Option<([usize; 2], [usize; 2])> {
        let [height, width, channels] = self.picture.sizes();
        let lit = |row: usize, column: usize| {
            (0..channels).any(|channel| self.picture.get(row, column, channel).is_some_and(|element| element != 0.0))
        };
        let mut rows = (0..height).filter(|&row| (0..width).any(|column| lit(row, column)));
        let mut columns = (0..width).filter(|&column| (0..height).any(|row| lit(row, column)));
        let (top, left) = (rows.next()?, columns.next()?);
        let (bottom, right) = (rows.next_back().unwrap_or(top), columns.next_back().unwrap_or(left));
        Some(([top, left], [bottom - top + 1, right - left + 1]))
    }
}
