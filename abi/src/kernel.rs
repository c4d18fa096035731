//! A kernel as the table has it: its name, what it does to its operands, and the sizes it takes.

use core::marker::PhantomData;

use crate::spec::Sizes;

/// What a kernel does to an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Reads it.
    Read,
    /// Reads it in place of the operand behind it, which it then overwrites. Operations leave it out; where a plan of memory gives a value and
    /// what is made of it two places, it names the first.
    Source,
    /// Overwrites it.
    Write,
    /// Reads and changes it in place; adds to it, where it is a gradient of weights.
    Update,
}

impl Access {
    /// Whether the kernel changes what the operand holds.
    #[must_use]
    pub const fn changes(self) -> bool {
        matches!(self, Self::Write | Self::Update)
    }
}

/// The operands of a kernel.
pub trait Signature {
    /// What the operands are called, in the kernel's order.
    const OPERANDS: &'static [&'static str];
    /// The same operands, each a `D`.
    type Of<D>: Operands<D>;
}

/// Operands that can be listed.
pub trait Operands<D> {
    /// Hands each operand over, in the kernel's order, with what the kernel does to it.
    fn each(self, take: impl FnMut(D, Access));
}

/// A kernel with the operands `S` and the sizes `Z`.
#[derive(Debug)]
pub struct Kernel<S, Z> {
    /// Which.
    pub id: KernelId,
    takes: PhantomData<fn(S, Z)>,
}

impl<S, Z> Clone for Kernel<S, Z> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S, Z> Copy for Kernel<S, Z> {}

impl<S, Z> PartialEq for Kernel<S, Z> {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl<S: Signature, Z: Sizes> Kernel<S, Z> {
    pub(crate) const fn new(name: &'static str, module: &'static str, wants: [bool; 3]) -> Self {
        let [takes_pass, has_scratch, takes_constants] = wants;
        Self { id: KernelId { name, module, takes_pass, has_scratch, takes_constants }, takes: PhantomData }
    }
}

/// A kernel whatever it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KernelId {
    /// Its name: `conv_gemm_forward`.
    pub name: &'static str,
    /// The module of the runtime that has it, and the sizes it takes.
    pub module: &'static str,
    /// Whether it is told the pass: the seed, the step, the place of the images, what is frozen.
    pub takes_pass: bool,
    /// Whether it asks for scratch memory; a constant function of its name and `_scratch` says how much.
    pub has_scratch: bool,
    /// Whether it can be compiled for sizes that are constants.
    pub takes_constants: bool,
}

impl KernelId {
    /// What its operands are called, in order.
    #[must_use]
    pub fn operands(&self) -> &'static [&'static str] {
        crate::kernels::ALL.iter().find(|(kernel, _)| kernel == self).map_or(&[], |(_, operands)| operands)
    }

    /// Whether it is one product of matrices, which a [`Library`](crate::Library) may compute; convolutions are many, of their own.
    #[must_use]
    pub fn is_product(self) -> bool {
        self.module == "dense"
    }
}
