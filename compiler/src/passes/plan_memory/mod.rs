//! Every value gets an address. A copy whose source nobody needs any more, or that nobody changes, is left out: both values share
//! one place. Places that are never alive together share memory.

mod place;
mod share;

use crate::graph::{Extent, ValueId};
use crate::program::Program;
use place::Block;
use share::{Storage, share};

/// Where each value of a program lies.
#[derive(Clone, Debug)]
pub struct Plan {
    /// By value; `None` for values that the program never touches.
    pub places: Vec<Option<Place>>,
    /// For each step, whether it is a copy that is left out.
    pub elided: Vec<bool>,
    /// Numbers in the fixed part.
    pub fixed: usize,
    /// Numbers for each image.
    pub per_image: usize,
    /// Elements that are prepared of the weights.
    pub prepared: usize,
    /// The largest sum of values alive at one moment, for each image: no plan can need less.
    pub lower_bound: usize,
    /// The sum of all values, for each image: what a plan without reuse would need.
    pub sum_of_values: usize,
}

/// Where a value lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Among the images that the caller passes.
    Images,
    /// At this offset of the fixed part.
    Fixed(usize),
    /// At this offset of the part that grows with the batch.
    PerImage(usize),
    /// At this offset of what was prepared of the weights.
    Prepared(usize),
}

/// Plans the memory of a program.
#[must_use]
pub fn plan_memory(program: &Program) -> Plan {
    let (storages, elided) = share(program);
    let mut places = vec![None; program.values.len()];
    for storage in storages.iter().filter(|storage| storage.external) {
        set(&mut places, &storage.members, Place::Images);
    }
    let of = |len: fn(Extent) -> Option<usize>| -> (Vec<&Storage>, Vec<Block>) {
        let own = storages.iter().filter(|storage| !storage.external);
        own.filter_map(|storage| Some((storage, Block { len: len(storage.extent)?, alive: storage.alive }))).unzip()
    };
    let (fixed_storages, fixed_blocks) = of(fixed_len);
    let (storages_of_images, blocks_of_images) = of(per_image_len);
    let prepared = place_prepared(program, &mut places);
    let (fixed_offsets, fixed) = place::place(&fixed_blocks, program.steps.len());
    let (offsets, per_image) = place::place(&blocks_of_images, program.steps.len());
    for (storage, offset) in fixed_storages.iter().zip(fixed_offsets) {
        set(&mut places, &storage.members, Place::Fixed(offset));
    }
    for (storage, offset) in storages_of_images.iter().zip(offsets) {
        set(&mut places, &storage.members, Place::PerImage(offset));
    }
    Plan {
        places,
        elided,
        fixed,
        per_image,
        prepared,
        lower_bound: place::most_alive(&blocks_of_images, program.steps.len(), |block| block.len),
        sum_of_values: program.values_of_images().map(|(_, len)| len).sum(),
    }
}

fn set(places: &mut [Option<Place>], members: &[ValueId], place: Place) {
    for member in members {
        places[member.0] = Some(place);
    }
}

/// What is prepared lies in the order of its values, each from a cache line on, whichever program asks: one writes it, the other reads
/// it. Returns the length of all.
fn place_prepared(program: &Program, places: &mut [Option<Place>]) -> usize {
    let mut end = 0_usize;
    for (value, place) in program.values.iter().zip(places) {
        if let Extent::Prepared(len) = value.extent {
            *place = Some(Place::Prepared(end));
            end += len.next_multiple_of(LINE);
        }
    }
    end
}

/// Elements of a cache line.
const LINE: usize = 16;

fn fixed_len(extent: Extent) -> Option<usize> {
    match extent {
        Extent::Fixed(len) => Some(len),
        Extent::PerImage(_) | Extent::Prepared(_) => None,
    }
}

fn per_image_len(extent: Extent) -> Option<usize> {
    match extent {
        Extent::PerImage(len) => Some(len),
        Extent::Fixed(_) | Extent::Prepared(_) => None,
    }
}
