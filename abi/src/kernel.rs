//! A kernel of the table: its name, its access to each operand, and the type of its sizes.

use core::marker::PhantomData;

use crate::spec::Sizes;

/// The access of a kernel to an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// The kernel reads it.
    Read,
    /// The kernel reads it instead of the next operand, which it then overwrites. Operations omit it; the memory planner passes it where a
    /// value and the result computed from it have different memory.
    Source,
    /// The kernel overwrites it.
    Write,
    /// The kernel reads and changes it in place; it adds to a gradient of weights.
    Update,
}

impl Access {
    /// Whether the kernel changes the contents of the operand.
    #[must_use]
    pub const fn changes(self) -> bool {
        matches!(self, Self::Write | Self::Update)
    }
}

/// The operands of a kernel.
pub trait Signature {
    /// The names of the operands, in the kernel's order.
    const OPERANDS: &'static [&'static str];
    /// The operands as values of type `D`.
    type Of<D>: Operands<D>;
}

/// Operands that can be listed.
pub trait Operands<D> {
    /// Calls `take` with each operand, in the kernel's order, and the kernel's access to it.
    fn each(self, take: impl FnMut(D, Access));
}

/// A kernel with the operands `S` and the sizes `Z`.
#[derive(Debug)]
pub struct Kernel<S, Z> {
    /// Its identity.
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

/// A kernel, without the types of its operands and sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KernelId {
    /// Its name, for example `conv_gemm_forward`.
    pub name: &'static str,
    /// The module of the runtime that contains it; the module of [`spec`](crate::spec) with its sizes has the same name.
    pub module: &'static str,
    /// Whether it receives the pass: the seed, the step, the indices of the images, and what is frozen.
    pub takes_pass: bool,
    /// Whether it needs scratch memory; a `const fn` with its name and `_scratch` returns how much.
    pub has_scratch: bool,
    /// Whether it can be compiled for constant sizes.
    pub takes_constants: bool,
}

impl KernelId {
    /// Returns the names of its operands, in order.
    #[must_use]
    pub fn operands(&self) -> &'static [&'static str] {
        crate::kernels::ALL.iter().find(|(kernel, _)| kernel == self).map_or(&[], |(_, operands)| operands)
    }

    /// Whether it is one matrix product, which a [`Library`](crate::Library) may compute. Convolutions are many products, which kernels
    /// compute themselves.
    #[must_use]
    pub fn is_product(self) -> bool {
        self.module == "dense"
    }
}
