//! Labels in targets: one for a sample, or one for each of its positions.

use super::augment::MixedLabel;

/// The label of one position: a class, or shares of two classes.
pub(crate) trait Label: Copy + Send + Sync + 'static {
    /// Returns the share of a class.
    fn share(self, class: usize) -> f64;
    /// Returns the largest class with a share.
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
    /// The type of a label.
    type Label: Label;
    /// Returns all labels, row by row.
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

/// Calls a macro for each type that labels the pixels of a sample; its generic parameters precede it in brackets. A `Vec` is on the heap,
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
