//! Occlusion maps: which parts of an image an answer depends on, by hiding one part after the other.

use super::feature::{Feature, inside};
use super::picture::Picture;
use super::probe::Probe;
use crate::Shape;
use crate::error::{Error, count_setting, setting};
use crate::memory::{Stored, boxed_zeros, zeros};
use crate::network::Network;
use crate::scalar::Scalar;
use crate::tensor::{Output, Sample};
use crate::train::predicted_class;

/// The number of images in one batch of predictions.
const IMAGES_PER_PASS: usize = 64;

/// A square that slides over an image and hides the pixels under it (Zeiler and Fergus, 2014, section 4.2 and figure 7).
///
/// ```
/// use netwright_runtime::{Error, Tensor, network::Network};
/// use netwright_train::see::{Occlusion, OcclusionMap};
///
/// fn why<N>(network: &N, digit: &N::Input, class: usize) -> Result<OcclusionMap, Error>
/// where
///     N: Network<Scalar = f32, Input = Tensor<28, 28, 1>>,
/// {
///     Occlusion::new(7)?.fill(0.5)?.map(network, digit, class)
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Occlusion {
    side: usize,
    stride: usize,
    fill: f64,
}

/// The answers of a network while each part of an image was hidden.
#[derive(Clone, Debug, PartialEq)]
pub struct OcclusionMap {
    /// The answer for the class while the square covered each position (figure 7d): a row and a column for each step of the
    /// square. It is low where the network depends on the hidden pixels.
    pub answer: Picture,
    /// The predicted class for each position (figure 7e); `None` where the answer predicts none: see [`predicted_class`].
    pub predicted: Vec<Option<usize>>,
    /// The answer for the class with nothing hidden.
    pub whole: f64,
}

impl Occlusion {
    /// Creates a square of `side` pixels with stride 1, filled with black, 0.
    ///
    /// # Errors
    /// [`Error::Setting`] for a side of 0.
    pub fn new(side: usize) -> Result<Self, Error> {
        count_setting("side of the square", side, side > 0, "at least 1 pixel")?;
        Ok(Self { side, stride: 1, fill: 0.0 })
    }

    /// Sets the stride of the square in pixels.
    ///
    /// # Errors
    /// [`Error::Setting`] for 0.
    pub fn stride(mut self, stride: usize) -> Result<Self, Error> {
        count_setting("stride of the square", stride, stride > 0, "at least 1 pixel")?;
        self.stride = stride;
        Ok(self)
    }

    /// Sets the value that fills the square in all channels, such as the grey of the paper.
    ///
    /// # Errors
    /// [`Error::Setting`] for a value that is not finite.
    pub fn fill(mut self, fill: f64) -> Result<Self, Error> {
        self.fill = setting("fill of the square", fill, true, "a number")?;
        Ok(self)
    }

    /// Slides the square over `image` and records the answer for `class`, an index of the answer. The square is centred at each position,
    /// starting with the first pixel, and is cropped at the border.
    ///
    /// # Errors
    /// [`Error::Outside`] for a class that the network does not have, [`Error::ImageSize`] for a network whose input is not an image.
    pub fn map<N>(&self, network: &N, image: &N::Input, class: usize) -> Result<OcclusionMap, Error>
    where
        N: Network,
        N::Input: Output<N::Scalar>,
    {
        inside("class", N::NAME, class, N::OUTPUT.len())?;
        let stops = Stops::of::<N>(self.stride)?;
        let positions: Vec<[usize; 2]> = stops.positions().collect();
        let mut hidden: Vec<N::Input> = zeros(IMAGES_PER_PASS.min(positions.len()));
        let (mut answers, mut predicted) = (Vec::with_capacity(positions.len()), Vec::with_capacity(positions.len()));
        for positions in positions.chunks(IMAGES_PER_PASS) {
            let hidden = &mut hidden[..positions.len()];
            hidden
                .iter_mut()
                .zip(positions)
                .for_each(|(hidden, &position)| self.hide::<N>(image, &stops, position, hidden));
            for answer in &network.predict_batch(hidden) {
                answers.push(answer.elements()[class].to_f64() as f32);
                predicted.push(predicted_class(answer.elements()));
            }
        }
        let whole = network.predict_batch(core::slice::from_ref(image))[0].elements()[class].to_f64();
        Ok(OcclusionMap { answer: Picture::of(stops.sizes(), answers), predicted, whole })
    }

    /// Returns the value of a feature while the square covers each position: like the answer in [`OcclusionMap`], for any feature
    /// (figure 7c shows the mean of the strongest feature map).
    ///
    /// # Errors
    /// [`Error::NoSuchLayer`] and [`Error::Outside`] for a feature that the network does not have, [`Error::ImageSize`] for a
    /// network whose input is not an image.
    pub fn feature<N>(&self, network: &N, image: &N::Input, feature: &Feature) -> Result<Picture, Error>
    where
        N: Network,
        N::Input: Output<N::Scalar>,
    {
        let (located, stops) = (feature.locate::<N>()?, Stops::of::<N>(self.stride)?);
        let (mut probe, mut hidden) = (Probe::new(network), boxed_zeros::<N::Input>());
        let mut value = |position| {
            self.hide::<N>(image, &stops, position, &mut hidden);
            Ok(probe.read(&hidden, located)?.value as f32)
        };
        Ok(Picture::of(stops.sizes(), stops.positions().map(&mut value).collect::<Result<_, Error>>()?))
    }

    /// Writes the image with the square centred at a position.
    fn hide<N>(&self, image: &N::Input, stops: &Stops, [row, column]: [usize; 2], hidden: &mut N::Input)
    where
        N: Network,
        N::Input: Output<N::Scalar>,
    {
        let &Stops { height, width, channels, .. } = stops;
        image.assign_to(hidden);
        let fill = N::Scalar::from_f64(self.fill);
        let (rows, columns) = (self.covered(row, height), self.covered(column, width));
        for line in hidden.elements_mut().chunks_exact_mut(width * channels).take(rows.end).skip(rows.start) {
            line[columns.start * channels..columns.end * channels].fill(fill);
        }
    }

    /// Returns the rows or columns under a square centred at `position`.
    fn covered(&self, position: usize, len: usize) -> core::ops::Range<usize> {
        let start = position.saturating_sub((self.side - 1) / 2);
        let end = position.saturating_add(self.side / 2 + 1).min(len);
        start..end
    }
}

/// The positions of a square on an image.
struct Stops {
    height: usize,
    width: usize,
    channels: usize,
    stride: usize,
}

impl Stops {
    fn of<N: Network>(stride: usize) -> Result<Self, Error> {
        match N::INPUT {
            Shape::Image { height, width, channels } => Ok(Self { height, width, channels, stride }),
            Shape::Series { length, channels } => Ok(Self { height: length, width: 1, channels, stride }),
            Shape::Flat(features) => {
                let expected = Shape::Image { height: 1, width: features, channels: 1 };
                let origin = "an occlusion map of a network without images".to_owned();
                Err(Error::ImageSize { origin, expected, found: N::INPUT })
            }
        }
    }

    /// Returns the sizes of a map with an element for each position.
    fn sizes(&self) -> [usize; 3] {
        [self.height.div_ceil(self.stride), self.width.div_ceil(self.stride), 1]
    }

    /// Iterates over the positions, row by row.
    fn positions(&self) -> impl Iterator<Item = [usize; 2]> + use<> {
        let (width, stride) = (self.width, self.stride);
        let rows = (0..self.height).step_by(stride);
        rows.flat_map(move |row| (0..width).step_by(stride).map(move |column| [row, column]))
    }
}

impl OcclusionMap {
    /// Returns how much the answer decreases while each position is hidden; negative where it increases.
    pub fn drop(&self) -> Picture {
        let whole = self.whole as f32;
        self.answer.map(|answer| whole - answer)
    }
}
