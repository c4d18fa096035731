//! Classes as they are written in targets: one for a sample, or one for each of its positions.

use super::augment::MixedLabel;

/// What a target says of one position: a class, or shares of two.
pub(crate) trait Label: Copy + Send + Sync + 'static {
    /// The share of a class.
    fn share(self, class: usize) -> f64;
    /// The largest class that has a share.
    fn largest(self) -> usize;
}

macro_rules! classes {
    ($($number:ty),*) => { $(
        impl Label for $number {
            fn share(self, class: usize) -> f64 {
                f64::from(u8::from(usize::from(self) == class))
            }
            fn largest(self) -> usize {
                usize::from(self)
            }
        }
    )* };
}

classes!(usize, u16, u8, bool);

impl Label for MixedLabel {
    fn share(self, class: usize) -> f64 {
        self.share_of(class)
    }
    fn largest(self) -> usize {
        self.label.max(self.other)
    }
}

/// The labels of a sample, one for each position of the answer.
pub(crate) trait Labels: Sync {
    /// What is said of each.
    type Label: Label;
    /// One after the other, row by row.
    fn each(&self) -> &[Self::Label];
}

impl<L: Label> Labels for L {
    type Label = L;
    fn each(&self) -> &[L] {
        core::slice::from_ref(self)
    }
}

impl<L: Label, const P: usize> Labels for [L; P] {
    type Label = L;
    fn each(&self) -> &[L] {
        self
    }
}

impl<L: Label> Labels for Vec<L> {
    type Label = L;
    fn each(&self) -> &[L] {
        self
    }
}

/// Calls a macro with each type that labels the pixels of a sample, its parameters in brackets before it. A `Vec` lives on the heap
/// whatever the size of an image.
macro_rules! each_label_map {
    ($call:ident) => {
        $call!([const P: usize] [usize; P]);
        $call!([const P: usize] [u16; P]);
        $call!([const P: usize] [u8; P]);
        $call!([const P: usize] [bool; P]);
        $call!([] Vec<usize>);
        $call!([] Vec<u16>);
        $call!([] Vec<u8>);
        $call!([] Vec<bool>);
    };
}

pub(crate) use each_label_map;
