//! Convolution by Winograd's minimal filtering (Lavin and Gray, 2015): `conv_winograd`.
//!
//! A tile of m x m outputs z of an r x r window depends on a patch d of n x n inputs, n = m + r - 1:
//!
//! ```text
//! z = Aᵀ [ Σ (G g Gᵀ) ⊙ (Bᵀ d B) ] A, the sum over channels
//! ```
//!
//! with n - 1 points, at which polynomials are multiplied, and ∞. The products for each of the n² places of ⊙ are a product of matrices,
//! tiles times channels with channels times filters. The filters' transforms G g Gᵀ are prepared: [`pack`].
//! A block of tiles goes through these steps together: its inputs are transformed; then, for some filters at a time, come the products of all
//! places and the outputs, so that products stay in the second cache and the filters' transforms are read once for a block, in order.
//!
//! | form | points | multiply-adds of an output | of the definition |
//! |---|---|---:|---:|
//! | F(6x6, 3x3) | 0, ±½, ±1, ±2, ∞ | 1 7/9 | 9 |
//! | F(4x4, 3x3) | 0, ±¾, ±1½, ∞ | 2¼ | 9 |
//! | F(2x2, 3x3) | 0, ±1, ∞ | 4 | 9 |
//! | F(2x2, 5x5) | 0, ±¾, ±1½, ∞ | 9 | 25 |
//!
//! The first two and the last round more than the definition: in single precision the error of the first is 2·10⁻⁶ to 6·10⁻⁶ of the outputs' root
//! mean square, that of the second about 10⁻⁶, where a plain sum has 5·10⁻⁷ (`winograd_agrees_with_the_reference` holds 10⁻⁵ for all). The sums
//! of the first are taken in shorter parts. The third rounds no more than a plain sum: training takes it where
//! it is asked for forward. The gradient of the weights has the second form ([`mod@weights`]) and keeps to the same bound, and so do sums over
//! many images, whose parts are added with what rounding loses.

use core::marker::PhantomData;
use core::ops::Range;

use super::{LINE, PANEL, Spec};
use crate::context::{Context, WORTH_A_THREAD};
use crate::epilogue::Epilogue;
use crate::gemm::DEPTH;
use crate::gemm::tile::{self, Product};
use crate::kernels::elementary::Elementary;
use crate::simd::Isa;
use netwright_abi::spec::conv::{LAST_CACHED, Winograd};

use tiles::{Inputs, OfForm, Outputs};

mod filters;
pub(super) mod kernels;
mod points;
mod tiles;
mod weights;

/// Elements of the inputs' transforms of a block of tiles, which stay in a second cache.
const BLOCK: usize = 96 * 1024;
/// The fewest tiles of a block: the filters' transforms are read once for so many.
const TILES: usize = 36;
/// The fewest where those fit into no cache.
const MANY_TILES: usize = 64;
/// Filters whose products stay in a cache until their outputs are computed: the inputs' transforms are read once for so many.
const RUN: usize = 2 * PANEL;
/// Terms of a part of the sums of patches of eight, whose transforms magnify what sums round.
const SHORT_PART: usize = DEPTH / 8;
/// Elements of transformed filters that half of a second cache holds, and half of a last one: inputs and outputs pass through the other half.
const CACHED: [usize; 2] = [128 * 1024, LAST_CACHED / 2];

/// The sizes of a layer in tiles.
#[derive(Clone, Copy)]
struct Tiling {
    form: Winograd,
    /// Tiles down and across an image.
    tiles: [usize; 2],
    /// The most tiles of a block.
    at_once: usize,
    /// Elements from the channels of a place of a transform to those of the next. Powers of two would fall into a few places of the first
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

    /// Tiles of an image.
    const fn of_image(&self) -> usize {
        self.tiles[0] * self.tiles[1]
    }

    /// The image, the first row and the first column of a tile's outputs.
    const fn origin(&self, tile: usize) -> [usize; 3] {
        let (of_image, [_, across], size) = (self.of_image(), self.tiles, self.form.tile);
        let (image, within) = (tile / of_image, tile % of_image);
        [image, within / across * size, within % across * size]
    }

    /// Elements from the transforms of a tile to those of the next.
    const fn transform(&self) -> usize {
        self.form.points() * self.row + LINE
    }

    /// Elements from the products of a run of panels at a place to those at the next.
    const fn product(tiles: usize) -> usize {
        tiles * RUN + LINE
    }
}

/// Whether the transformed filters fit into no cache, so that threads share a reading of them.
const fn is_large(spec: &Spec, form: Winograd) -> bool {
    form.filters_len(spec) > CACHED[1]
}

/// A pixel of zeros, the transforms of a block, and the products of a panel.
const fn scratch(spec: &Spec, form: Winograd) -> usize {
    let tiling = Tiling::of(spec, form);
    let points = tiling.form.points();
    spec.input[2] + tiling.at_once * tiling.transform() + points * Tiling::product(tiling.at_once)
}

/// Memory that several threads write at once, each its own places.
#[derive(Clone, Copy)]
struct Shared<'a, T> {
    start: *mut T,
    len: usize,
    of: PhantomData<&'a mut [T]>,
}

// SAFETY: it stands for a slice that is borrowed mutably, whose elements may be written by another thread; whoever writes promises that no two
// threads write the same.
unsafe impl<T: Send> Send for Shared<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Shared<'_, T> {}

impl<'a, T> Shared<'a, T> {
    fn of(memory: &'a mut [T]) -> Self {
        Self { start: memory.as_mut_ptr(), len: memory.len(), of: PhantomData }
    }

    /// So many elements from `first` on.
    ///
    /// # Safety
    /// Nobody else reads or writes them while the part is used.
    unsafe fn part(&self, first: usize, len: usize) -> &'a mut [T] {
        assert!(first + len <= self.len, "a part of the memory");
        // SAFETY: just compared with the length; the caller promises that the part is its own.
        unsafe { core::slice::from_raw_parts_mut(self.start.add(first), len) }
    }
}

/// Where the transforms of tiles lie that several threads write, each its own tiles.
#[derive(Clone, Copy)]
struct Transforms<'a, T> {
    memory: Shared<'a, T>,
    /// Elements from those at a place, and from those of a tile, to the next.
    place: usize,
    tile: usize,
    /// From those of [`PANEL`] channels to those of the next.
    panel: usize,
}

impl<T> Transforms<'_, T> {
    /// Panics where so many tiles of a form, each of so many channels, end outside the memory.
    fn check(&self, form: Winograd, tiles: usize, channels: usize) {
        let last = tiles.saturating_sub(1) * self.tile + self.place_of(form.points() - 1, channels - 1);
        assert!(last < self.memory.len, "the transforms of all tiles");
    }

    /// Where a channel of a tile lies at a place, from where the tile starts.
    const fn place_of(&self, place: usize, channel: usize) -> usize {
        place * self.place + channel / PANEL * self.panel + channel % PANEL
    }

    /// Where those of a tile start.
    fn of_tile(&self, tile: usize) -> *mut T {
        self.memory.start.wrapping_add(tile * self.tile)
    }
}

/// What is stored of an output f(scale · z + shift).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stored {
    /// All of it.
    All,
    /// The largest element of each window of 2x2, which lies in one tile: a max pool with stride 2.
    Largest,
}

/// What is stored of y = f(scale · z + shift) of all images; lengths are checked.
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

/// What all parts of a layer share.
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

/// Some filters of one group whose transforms lie together: for each place a matrix, which is in panels.
#[derive(Clone, Copy)]
struct Run {
    group: usize,
    /// The first filter, of those of all groups, and how many.
    first: usize,
    width: usize,
    /// Where their transforms start.
    place: usize,
}

impl Run {
    /// How many there are.
    const fn count(spec: &Spec) -> usize {
        spec.groups * spec.group()[1].div_ceil(RUN)
    }

    const fn of(spec: &Spec, points: usize, number: usize) -> Self {
        let [channels, filters] = spec.group();
        let (group, within) = (number / filters.div_ceil(RUN), number % filters.div_ceil(RUN) * RUN);
        let width = if filters - within < RUN { filters - within } else { RUN };
        let first = group * filters + within;
        Self { group, first, width, place: first * channels * points }
    }
}

impl<T: Elementary> Layer<'_, T> {
    /// Computes some tiles of all images, a block at a time, each step on the threads of the context. Nobody else writes their outputs.
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
            let places = Transforms {
                memory: Shared::of(transforms),
                place: tiling.row,
                tile: tiling.transform(),
                panel: PANEL,
            };
            context.split_count(tiles, 1, &mut [], &|tiles, _: &mut [T]| {
                let of = Inputs { spec, tiling: &tiling, x: self.x, zeros, first, tiles, transforms: places };
                of.run(self.isa);
            });
            let transforms = &*transforms;
            context.split_count(Run::count(spec), 1, scratch, &|runs, products| {
                let products = &mut products[..points * Tiling::product(tiles)];
                for run in runs.map(|run| Run::of(spec, points, run)) {
                    for place in 0..points {
                        self.multiply(place, run, tiles, transforms, products);
                    }
                    let of = Outputs { layer: self, run, products, first, tiles };
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

    /// The products of a run at a place: tiles times channels with channels times filters.
    fn multiply(&self, place: usize, run: Run, tiles: usize, transforms: &[T], products: &mut [T]) {
        let ([channels, _], transform) = (self.spec.group(), self.tiling.transform());
        let matrix = channels * run.width;
        let b = &self.w[run.place + place * matrix..][..matrix];
        let a = &transforms[place * self.tiling.row..];
        let c = &mut products[place * Tiling::product(tiles)..][..tiles * RUN];
        assert!((tiles - 1) * transform + (run.group + 1) * channels <= a.len() && run.width <= RUN, "A, columns of C");
        // Behind a matrix lies that of the next place.
        let ahead = if self.w.len() > CACHED[0] { matrix } else { 0 };
        // SAFETY: the end of A was just compared with its slice; B is a whole matrix in panels; C has a row of its slice for each tile, of no
        // fewer columns, and is borrowed mutably.
        unsafe {
            tile::run_ahead(
                self.isa,
                &Product {
                    rows: tiles,
                    columns: run.width,
                    loops: [1, 1, channels],
                    a: a.as_ptr().add(run.group * channels),
                    a_row: transform,
                    a_step: [0, 0, 1],
                    b: b.as_ptr(),
                    b_rows: [0, 0, 1],
                    b_panel: channels * PANEL,
                    b_width: PANEL,
                    b_last: (run.width - 1) % PANEL + 1,
                    c: c.as_mut_ptr(),
                    c_row: RUN,
                    epilogue: Epilogue::NONE,
                },
                if self.tiling.form.patch == 8 { SHORT_PART } else { DEPTH },
                ahead,
            );
        }
    }

    /// The rest of the activation of the outputs of a tile.
    fn activate(&self, tile: usize) {
        let ([height, width, filters], size) = (self.spec.output, self.tiling.form.tile);
        let [image, top, left] = self.tiling.origin(tile);
        for row in top..height.min(top + size) {
            let first = ((image * height + row) * width + left) * filters;
            let len = size.min(width - left) * filters;
            // SAFETY: nobody else has the outputs of this tile, all of which have been written.
            let outputs = unsafe { self.y.part(first, len) };
            self.epilogue.finish(self.isa, outputs);
        }
    }
}
