//! The final activations of networks. A loss may be fused with a head, so the head is part of the network's type.

mod sealed {
    pub trait Sealed {}
}

/// The head of a network: [`Softmax`], [`LogSoftmax`], [`Sigmoid`] or [`Linear`].
pub trait Head: sealed::Sealed + Send + Sync + 'static {}

/// The network ends in a softmax over classes.
#[derive(Clone, Copy, Debug)]
pub enum Softmax {}
/// The network ends in the logarithm of a softmax over classes.
#[derive(Clone, Copy, Debug)]
pub enum LogSoftmax {}
/// The network ends in a sigmoid for each output.
#[derive(Clone, Copy, Debug)]
pub enum Sigmoid {}
/// The network ends in any other layer.
#[derive(Clone, Copy, Debug)]
pub enum Linear {}

impl sealed::Sealed for Softmax {}
impl sealed::Sealed for LogSoftmax {}
impl sealed::Sealed for Sigmoid {}
impl sealed::Sealed for Linear {}
impl Head for Softmax {}
impl Head for LogSoftmax {}
impl Head for Sigmoid {}
impl Head for Linear {}
