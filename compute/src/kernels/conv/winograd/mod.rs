//! Convolution by Winograd's minimal filtering algorithm (Lavin and Gray, 2015): `conv_winograd`.
//!
//! A tile of m x m outputs z of an r x r window depends on a patch d of n x n inputs, n = m + r - 1:
//!
//! ```text
//! z = Aᵀ [ Σ (G g Gᵀ) ⊙ (Bᵀ d B) ] A, the sum over channels
//! ```
//!
//! with n - 1 interpolation points, and ∞. At each of the n² points, ⊙ is one matrix product, tiles x channels times channels x filters.
//! The transforms G g Gᵀ of the filters are computed in advance: [`filters::pack`]. A block of tiles goes through these steps: its inputs are
//! transformed; then, for one block of filters at a time, the products of all points and the outputs are computed. So the products stay in
//! the L2 cache, and the transformed filters are read once per block of tiles, in order.
//!
//! | form | points | multiply-adds per output | by the definition |
//! |---|---|---:|---:|
//! | F(6x6, 3x3) | 0, ±½, ±1, ±2, ∞ | 1 7/9 | 9 |
//! | F(4x4, 3x3) | 0, ±¾, ±1½, ∞ | 2¼ | 9 |
//! | F(2x2, 3x3) | 0, ±1, ∞ | 4 | 9 |
//! | F(2x2, 5x5) | 0, ±¾, ±1½, ∞ | 9 | 25 |
//!
//! The first two forms and the last round more than the definition. In single precision the error of the first is 2·10⁻⁶ to 6·10⁻⁶ of the
//! outputs' root mean square, that of the second about 10⁻⁶, and that of a plain sum 5·10⁻⁷ (the test `winograd_agrees_with_the_reference`
//! asserts 10⁻⁵ for all). The partial sums of the first form are shorter. The third form rounds no more than a plain sum: it is the form of
//! the forward pass of 3x3 windows in training. The gradient of the weights uses the second form ([`mod@weights`]) with the same bound, as
//! do sums over many images, whose partial sums are added with compensation.

use core::marker::PhantomData;
use core::ops::Range;

use super::{LINE, PANEL, Spec};
use crate::context::{Context, WORTH_A_THREAD};
use crate::epilogue::Epilogue;
use crate::gemm::DEPTH;
use crate::gemm::tile::{self, Product};
use crate::kernels::elementary::Elementary;
use crate::simd::Isa;
use netwright_abi::spec::conv::{LAST_CACHED, WIDEST_TILE, Winograd};

use tiles::{Inputs, OfForm, Outputs};

mod filters;
pub(super) mod kernels;
mod points;
mod tiles;
mod weights;

/// Elements of the transformed inputs of a block of tiles, which stay in an L2 cache.
const BLOCK: usize = 96 * 1024;
/// The minimum tiles of a block: the transformed filters are read once per block.
const TILES: usize = 36;
/// The minimum tiles of a block where the transformed filters fit into no cache.
const MANY_TILES: usize = 64;
/// Filters of a block, whose products stay in a cache until their outputs are computed: the transformed inputs are read once per block.
const BLOCK_FILTERS: usize = WIDEST_TILE;
/// Terms of a partial sum for patches of 8x8, whose transforms amplify rounding errors.
const SHORT_PART: usize = DEPTH / 8;
/// Elements of transformed filters that fill half of an L2 cache, and those that fill a quarter of a last-level cache: inputs and outputs
/// need the rest.
const CACHED: [usize; 2] = [128 * 1024, LAST_CACHED / 4];

/// The tiling of a layer.
#[derive(Clone, Copy)]
struct Tiling {
    form: Winograd,
    /// Rows and columns of tiles of an image.
    tiles: [usize; 2],
    /// The maximum tiles of a block.
    at_once: usize,
    /// The distance from the channels of one point of a transform to the next, in elements. Powers of two would map to a few sets of the L1
    /// cache.
    row: usize,
}

impl Tiling {
    const fn of(spec: &Spec, form: Winograd) -> Self {
        let tiles = [spec.output[0].div_ceil(form.tile), spec.output[1].div_ceil(form.tile)];
        let row = spec.input[2] + LINE;
        let (fit, least) = (BLOCK / (form.points() * row), if is_large(spec, form) { MANY_TILES } else { TILES });
        Self { form, tiles, at_once: if fit < least { least } else { fit }, row }
    }

    /// Returns the tiles of an image.
    const fn of_image(&self) -> usize {
        self.tiles[0] * self.tiles[1]
    }

    /// Returns the image, the first row and the first column of a tile's outputs.
    const fn origin(&self, tile: usize) -> [usize; 3] {
        let (of_image, [_, across], size) = (self.of_image(), self.tiles, self.form.tile);
        let (image, within) = (tile / of_image, tile % of_image);
        [image, within / across * size, within % across * size]
    }

    /// Returns the distance from the transform of one tile to the next, in elements.
    const fn transform(&self) -> usize {
        self.form.points() * self.row + LINE
    }

    /// Returns the distance from the products of a filter block at one point to those at the next, in elements.
    const fn product(tiles: usize) -> usize {
        tiles * BLOCK_FILTERS + LINE
    }
}

/// Whether the transformed filters stay in no cache; then threads share one pass over them.
const fn is_large(spec: &Spec, form: Winograd) -> bool {
    form.filters_len(spec) >= CACHED[1]
}

/// Returns the elements of scratch memory of one thread: a pixel of zeros, the transforms of a block, and the products of a filter block.
const fn scratch(spec: &Spec, form: Winograd) -> usize {
    let tiling = Tiling::of(spec, form);
    let points = tiling.form.points();
    spec.input[2] + tiling.at_once * tiling.transform() + points * Tiling::product(tiling.at_once)
}

/// A slice that several threads write at once, each its own elements.
#[derive(Clone, Copy)]
struct Shared<'a, T> {
    start: *mut T,
    len: usize,
    of: PhantomData<&'a mut [T]>,
}

// SAFETY: it represents a mutably borrowed slice of elements that may be sent to another thread. Elements are accessed only by unsafe
// code, through `slice` or `start`, which guarantees that no two threads access the same elements.
unsafe impl<T: Send> Send for Shared<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Shared<'_, T> {}

impl<'a, T> Shared<'a, T> {
    fn of(memory: &'a mut [T]) -> Self {
        Self { start: memory.as_mut_ptr(), len: memory.len(), of: PhantomData }
    }

    /// Returns `len` elements from `first` on.
    ///
    /// # Safety
    /// No other code reads or writes these elements while the slice is in use.
    unsafe fn slice(&self, first: usize, len: usize) -> &'a mut [T] {
        assert!(first + len <= self.len, "a part of the memory");
        // SAFETY: the assertion compares the range with the length; the caller guarantees exclusive access to it.
        unsafe { core::slice::from_raw_parts_mut(self.start.add(first), len) }
    }
}

/// The transforms of tiles, which several threads write, each its own tiles.
#[derive(Clone, Copy)]
struct Transforms<'a, T> {
    memory: Shared<'a, T>,
    /// The distance from one point to the next, and from one tile to the next, in elements.
    point_stride: usize,
    tile_stride: usize,
    /// The distance from [`PANEL`] channels to the next.
    panel_stride: usize,
}

impl<T> Transforms<'_, T> {
    /// Panics unless the memory contains `tiles` tiles of a form with `channels` channels each.
    fn check(&self, form: Winograd, tiles: usize, channels: usize) {
        let last = tiles.saturating_sub(1) * self.tile_stride + self.offset(form.points() - 1, channels - 1);
        assert!(last < self.memory.len, "the transforms of all tiles");
    }

    /// Returns the offset of a channel at a point from the start of its tile.
    const fn offset(&self, point: usize, channel: usize) -> usize {
        point * self.point_stride + channel / PANEL * self.panel_stride + channel % PANEL
    }

    /// Returns the start of a tile.
    fn of_tile(&self, tile: usize) -> *mut T {
        self.memory.start.wrapping_add(tile * self.tile_stride)
    }
}

/// Which elements of the output f(scale · z + shift) are stored.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stored {
    /// All elements.
    All,
    /// The largest element of each 2x2 window, which is inside one tile: a max pool with stride 2.
    Largest,
}

/// Computes y = f(scale · z + shift) of all images, and stores all or the largest elements. Lengths are checked.
#[allow(clippy::too_many_arguments)]
fn forward<T: Elementary>(
    context: &Context<'_>,
    spec: &Spec,
    form: Winograd,
    x: &[T],
    w: &[T],
    scale: &[T],
    shift: &[T],
    stored: Stored,
    y: &mut [T],
    scratch: &mut [T],
) {
    let tiling = Tiling::of(spec, form);
    let epilogue = Epilogue::new(spec.epilogue, scale, shift);
    assert!(
        stored == Stored::All || !epilogue.accumulate && epilogue.activation_after_bounds().is_none(),
        "only values that are complete in registers are compared"
    );
    let layer = Layer { isa: context.isa(), spec, tiling, x, w, epilogue, stored, y: Shared::of(y) };
    let tiles = context.batch * tiling.of_image();
    if is_large(spec, form) {
        layer.run(context, 0..tiles, scratch);
    } else {
        let least = WORTH_A_THREAD.div_ceil(form.filters_len(spec));
        context.split_count(tiles, least, scratch, &|tiles, scratch| layer.run(&context.alone(), tiles, scratch));
    }
}

/// The operands of a layer, which its threads share.
#[derive(Clone, Copy)]
struct Layer<'a, T> {
    isa: Isa,
    spec: &'a Spec,
    tiling: Tiling,
    x: &'a [T],
    w: &'a [T],
    epilogue: Epilogue<'a, T>,
    stored: Stored,
    y: Shared<'a, T>,
}

/// A block of filters of one group. Its transforms are contiguous: for each point a matrix in panels.
#[derive(Clone, Copy)]
struct FilterBlock {
    group: usize,
    /// The first filter, counted over all groups, and the number of filters.
    first: usize,
    width: usize,
    /// The offset of their transforms.
    offset: usize,
}

impl FilterBlock {
    /// Returns the number of blocks.
    const fn count(spec: &Spec) -> usize {
        spec.groups * spec.group()[1].div_ceil(BLOCK_FILTERS)
    }

    const fn of(spec: &Spec, points: usize, index: usize) -> Self {
        let [channels, filters] = spec.group();
        let (group, within) =
            (index / filters.div_ceil(BLOCK_FILTERS), index % filters.div_ceil(BLOCK_FILTERS) * BLOCK_FILTERS);
        let width = if filters - within < BLOCK_FILTERS { filters - within } else { BLOCK_FILTERS };
        let first = group * filters + within;
        Self { group, first, width, offset: first * channels * points }
    }
}

impl<T: Elementary> Layer<'_, T> {
    /// Computes some tiles of all images, one block at a time. Each step is split over the threads of the context. No other code writes the
    /// outputs of these tiles.
    fn run(&self, context: &Context<'_>, all: Range<usize>, scratch: &mut [T]) {
        let (spec, tiling) = (self.spec, self.tiling);
        let points = tiling.form.points();
        let (zeros, scratch) = scratch.split_at_mut(spec.input[2]);
        zeros.fill(T::ZERO);
        let (zeros, blocks) = (&*zeros, all.len().div_ceil(tiling.at_once));
        for block in 0..blocks {
            let [first, end] = [block, block + 1].map(|block| all.start + all.len() * block / blocks);
            let tiles = end - first;
            let (transforms, scratch) = scratch.split_at_mut(tiles * tiling.transform());
            let shared = Transforms {
                memory: Shared::of(transforms),
                point_stride: tiling.row,
                tile_stride: tiling.transform(),
                panel_stride: PANEL,
            };
            context.split_count(tiles, 1, &mut [], &|tiles, _: &mut [T]| {
                let of = Inputs { spec, tiling: &tiling, x: self.x, zeros, first, tiles, transforms: shared };
                of.run(self.isa);
            });
            let transforms = &*transforms;
            context.split_count(FilterBlock::count(spec), 1, scratch, &|filter_blocks, products| {
                let products = &mut products[..points * Tiling::product(tiles)];
                for filter_block in filter_blocks.map(|filter_block| FilterBlock::of(spec, points, filter_block)) {
                    for point in 0..points {
                        self.multiply(point, filter_block, tiles, transforms, products);
                    }
                    let of = Outputs { layer: self, filter_block, products, first, tiles };
                    match tiling.form {
                        Winograd { tile: 6, .. } => self.isa.dispatch(OfForm::<_, 8, 6>(of)),
                        Winograd { tile: 4, .. } => self.isa.dispatch(OfForm::<_, 6, 4>(of)),
                        Winograd { patch: 4, .. } => self.isa.dispatch(OfForm::<_, 4, 2>(of)),
                        _ => self.isa.dispatch(OfForm::<_, 6, 2>(of)),
                    }
                }
            });
            if self.epilogue.activation_after_bounds().is_some() {
                context.split_count(tiles, 1, &mut [], &|part, _: &mut [T]| {
                    part.for_each(|tile| self.activate(first + tile));
                });
            }
        }
    }

    /// Computes the products of a filter block at a point: tiles x channels times channels x filters.
    fn multiply(&self, point: usize, filter_block: FilterBlock, tiles: usize, transforms: &[T], products: &mut [T]) {
        let ([channels, _], transform) = (self.spec.group(), self.tiling.transform());
        let matrix = channels * filter_block.width;
        let b = &self.w[filter_block.offset + point * matrix..][..matrix];
        let a = &transforms[point * self.tiling.row..];
        let c = &mut products[point * Tiling::product(tiles)..][..tiles * BLOCK_FILTERS];
        assert!(
            (tiles - 1) * transform + (filter_block.group + 1) * channels <= a.len()
                && filter_block.width <= BLOCK_FILTERS,
            "A, columns of C"
        );
        // The matrix of the next point follows this one: prefetch it unless the filters are cached.
        let ahead = if self.w.len() > CACHED[0] { matrix } else { 0 };
        // SAFETY: the end of A is compared with its slice above; B is a whole matrix in panels; C has a row of its slice for each tile,
        // with at least as many columns, and is borrowed mutably.
        unsafe {
            tile::run_ahead(
                self.isa,
                &Product {
                    rows: tiles,
                    columns: filter_block.width,
                    loops: [1, 1, channels],
                    a: a.as_ptr().add(filter_block.group * channels),
                    a_row: transform,
                    a_step: [0, 0, 1],
                    b: b.as_ptr(),
                    b_rows: [0, 0, 1],
                    b_panel: channels * PANEL,
                    b_width: PANEL,
                    b_last: PANEL,
                    c: c.as_mut_ptr(),
                    c_row: BLOCK_FILTERS,
                    epilogue: Epilogue::NONE,
                },
                if self.tiling.form.patch == 8 { SHORT_PART } else { DEPTH },
                ahead,
            );
        }
    }

    /// Applies the part of the activation that the bounds leave to the outputs of a tile.
    fn activate(&self, tile: usize) {
        let ([height, width, filters], size) = (self.spec.output, self.tiling.form.tile);
        let [image, top, left] = self.tiling.origin(tile);
        for row in top..height.min(top + size) {
            let first = ((image * height + row) * width + left) * filters;
            let len = size.min(width - left) * filters;
            // SAFETY: all outputs of this tile have been written, and no other code accesses them.
            let outputs = unsafe { self.y.slice(first, len) };
            self.epilogue.finish(self.isa, outputs);
        }
    }
}
