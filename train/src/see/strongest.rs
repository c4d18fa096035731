//! The images that excite each feature map most.

use super::activations::LayerProbe;
use super::feature::{Feature, MapOf, Within};
use super::find_layer;
use super::picture::Picture;
use super::projection::Projector;
use super::sheet::Sheet;
use super::tones::Tones;
use crate::error::Error;
use crate::network::Network;
use crate::pass::BackwardRule;
use crate::tensor::Sample;

/// An image for which a feature map has a large element.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Strongest {
    /// The index of the image among those that were compared.
    pub image: usize,
    /// The largest element of the map.
    pub value: f64,
    /// Its row and column in the map.
    pub place: [usize; 2],
}

/// Returns, for each feature map of `layer`, the `count` images with its largest elements, the largest first; equal ones in the order of the
/// images. The maps of a layer without image shape are its units.
///
/// # Errors
/// [`Error::NoSuchLayer`] where the network has no layer of that name, [`Error::Empty`] without images.
pub fn strongest<N: Network>(
    network: &N,
    images: &[N::Input],
    layer: &str,
    count: usize,
) -> Result<Vec<Vec<Strongest>>, Error> {
    let index = find_layer::<N>(layer, "layer", |_| true)?;
    if images.is_empty() {
        return Err(Error::Empty { origin: "the images that may excite a layer".to_owned() });
    }
    let maps: Vec<MapOf> = MapOf::all::<N>(index).collect();
    let mut found = vec![Vec::with_capacity(count + 1); maps.len()];
    let mut probe = LayerProbe::new(network, index);
    for (image, input) in images.iter().enumerate() {
        let output = probe.output(input)?;
        for (map, found) in maps.iter().zip(&mut found) {
            let (value, place) = map.read(Within::Peak, output);
            let rank = found.partition_point(|other: &Strongest| other.value >= value);
            found.insert(rank, Strongest { image, value, place });
            found.truncate(count);
        }
    }
    Ok(found)
}

/// Shows what the feature maps of a layer respond to: a row for each map, with the `count` images that excite it most, each as the
/// projection of its peak by the deconvnet and the part of the image in its receptive field. The figure of slide 27 (Zeiler and Fergus, 2014,
/// figure 2).
///
/// `maps` selects the feature maps; `tones` are those of the images.
///
/// # Errors
/// [`Error::NoSuchLayer`] and [`Error::Outside`] for a layer or map that the network does not have, [`Error::Empty`] without
/// images.
pub fn feature_sheet<N: Network>(
    network: &N,
    images: &[N::Input],
    layer: &str,
    maps: &[usize],
    count: usize,
    tones: Tones,
) -> Result<Sheet, Error> {
    let count = count.min(images.len());
    let found = strongest(network, images, layer, count)?;
    let mut projector = Projector::new(network);
    let mut sheet =
        Sheet::new(format!("{}, what excites the maps of {layer}: projections, then the parts of the images", N::NAME))
            .columns(2 * count);
    let mut names = Vec::new();
    for &map in maps {
        let feature = Feature::peak(layer, map);
        feature.locate::<N>()?;
        let mut patches = Vec::new();
        for strongest in &found[map] {
            let image = &images[strongest.image];
            let projection = projector.project(image, &feature, BackwardRule::Deconvnet)?;
            let whole = Picture::of_shape(N::INPUT, image.elements());
            let (projected, patch) = match projection.extent() {
                Some((from, sizes)) => (projection.picture.cut(from, sizes)?, whole.cut(from, sizes)?),
                None => (projection.picture, whole),
            };
            sheet = sheet.tones(Tones::Own).add(projected, format!("{:.2}", strongest.value));
            patches.push((patch, format!("image {}", strongest.image)));
        }
        sheet = sheet.tones(tones).extend(patches);
        names.push(format!("map {map}"));
    }
    Ok(sheet.row_names(names))
}
