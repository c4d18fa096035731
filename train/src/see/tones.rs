//! The conversion of elements to colours.

/// How the elements of a [`Picture`](super::Picture) are converted to brightness or colour. Pictures of three channels are shown as red, green
/// and blue; for other numbers of channels except one, their mean is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Tones {
    /// From black at the picture's own smallest element to white at its largest. A constant picture is black if it is 0, else grey.
    #[default]
    Own,
    /// From black at the first number to white at the second, so that pictures can be compared. The first may be the larger one:
    /// then small elements are white, like ink on paper.
    Range(f32, f32),
    /// Blue below 0, white at 0, red above, with full colour at the picture's largest magnitude: for filters, differences, gradients. In
    /// pictures of three channels, 0 is grey.
    Signed,
    /// [`Tones::Signed`] with full colour at this magnitude, so that pictures can be compared.
    SignedTo(f32),
    /// From dark blue at the first number over green to yellow at the second: for maps of probabilities and other amounts. The order
    /// is preserved in grey prints, and for readers who do not distinguish red from green.
    Heat(f32, f32),
}

/// Tones with their range.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    pub(super) least: f32,
    pub(super) most: f32,
    colours: &'static [[u8; 3]],
}

/// Black to white.
const GREYS: [[u8; 3]; 2] = [[0, 0, 0], [255, 255, 255]];
/// Blue, white, red: the scheme `RdBu` of ColorBrewer (Harrower and Brewer, 2003), reversed.
const SIGNED: [[u8; 3]; 5] = [[5, 48, 97], [67, 147, 195], [247, 247, 247], [214, 96, 77], [103, 0, 31]];
/// Nine colours of `viridis` (van der Walt and Smith, 2015), evenly spaced.
const HEAT: [[u8; 3]; 9] = [
    [68, 1, 84],
    [71, 44, 122],
    [59, 81, 139],
    [44, 113, 142],
    [33, 144, 141],
    [39, 173, 129],
    [92, 200, 99],
    [170, 220, 50],
    [253, 231, 37],
];

impl Tones {
    /// Returns the scale for a picture with elements in this range.
    pub(super) fn scale(self, (low, high): (f32, f32)) -> Scale {
        let (least, most, colours): (f32, f32, &[[u8; 3]]) = match self {
            // All elements are 0, as in a map without activity: black.
            Self::Own if (low, high) == (0.0, 0.0) => (0.0, 1.0, &GREYS),
            Self::Own => (low, high, &GREYS),
            Self::Range(least, most) => (least, most, &GREYS),
            Self::Signed => (-low.abs().max(high.abs()), low.abs().max(high.abs()), &SIGNED),
            Self::SignedTo(most) => (-most, most, &SIGNED),
            Self::Heat(least, most) => (least, most, &HEAT),
        };
        Scale { least, most, colours }
    }
}

impl Scale {
    /// Returns the position of a number in the range, from 0 to 1; 0.5 for an empty range, and for NaN.
    fn position(&self, number: f32) -> f32 {
        let position = (number - self.least) / (self.most - self.least);
        if self.least == self.most || position.is_nan() { 0.5 } else { position.clamp(0.0, 1.0) }
    }

    /// Returns the colour of a number.
    pub(super) fn colour(&self, number: f32) -> [u8; 3] {
        let at = self.position(number) * (self.colours.len() - 1) as f32;
        let lower = (at as usize).min(self.colours.len() - 2);
        let (from, to, along) = (self.colours[lower], self.colours[lower + 1], at - lower as f32);
        let mixed = |c: usize| f32::from(from[c]) + (f32::from(to[c]) - f32::from(from[c])) * along;
        core::array::from_fn(|c| mixed(c).round() as u8)
    }

    /// Returns the brightness of one channel.
    pub(super) fn light(&self, number: f32) -> u8 {
        (self.position(number) * 255.0).round() as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_and_the_middle_have_their_colours() {
        let signed = Tones::Signed.scale((-1.0, 4.0));
        assert_eq!([-4.0, 0.0, 4.0].map(|number| signed.colour(number)), [SIGNED[0], SIGNED[2], SIGNED[4]]);
        let heat = Tones::Heat(0.0, 1.0).scale((0.2, 0.3));
        assert_eq!([-7.0, 0.5, 7.0].map(|number| heat.colour(number)), [HEAT[0], HEAT[4], HEAT[8]]);
        let ink = Tones::Range(1.0, 0.0).scale((0.0, 1.0));
        assert_eq!([0.0, 1.0].map(|number| ink.light(number)), [255, 0]);
    }

    #[test]
    fn nan_is_in_the_middle_and_a_picture_of_zeros_is_black() {
        let flat = Tones::Own.scale((3.0, 3.0));
        assert_eq!(flat.light(3.0), 128);
        assert_eq!(Tones::Own.scale((0.0, 0.0)).light(0.0), 0);
        assert_eq!(Tones::Own.scale((0.0, 1.0)).light(f32::NAN), 128);
        assert_eq!(Tones::Signed.scale((0.0, 0.0)).colour(0.0), SIGNED[2]);
    }

    #[test]
    fn heat_grows_lighter_all_the_way() {
        let scale = Tones::Heat(0.0, 1.0).scale((0.0, 1.0));
        let luminance = |[r, g, b]: [u8; 3]| 0.2126 * f64::from(r) + 0.7152 * f64::from(g) + 0.0722 * f64::from(b);
        let lights: Vec<f64> = (0..=50).map(|i| luminance(scale.colour(i as f32 / 50.0))).collect();
        assert!(lights.is_sorted(), "{lights:?}");
    }
}
