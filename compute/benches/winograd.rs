//! 3x3 convolutions of the classic networks, as matrix products and by Winograd's algorithm: milliseconds for a batch on one thread and on
//! two, and the share of the peak of the multiply-adds of its tiles. In training, kernels prepare the filters in the pass.
//!
//! `cargo bench -p netwright-compute --features std --bench winograd -- --batch 8 '56: 64 to 64' weights`; the default batch is one image.
//! A row is selected if its name contains at least one of the given names.

use std::error::Error;
use std::hint::black_box;

use netwright_abi::spec::conv::Winograd;
use netwright_compute::context::Context;
use netwright_compute::kernels::Kernels;
use netwright_compute::kernels::conv::{
    conv_gemm_forward_scratch, conv_gemm_grad_input_scratch, conv_gemm_grad_weights_scratch,
    conv_packed_forward_scratch, conv_winograd_forward_scratch, conv_winograd_grad_input_scratch,
    conv_winograd_grad_weights_scratch, conv_winograd_train_forward_scratch,
};
use netwright_measure::{Pool, convolution, elements};

/// Inputs along an axis, channels, filters.
const LAYERS: [[usize; 3]; 14] = [
    // VGG-16.
    [224, 64, 64],
    [112, 64, 128],
    [112, 128, 128],
    [56, 128, 256],
    [56, 256, 256],
    [28, 256, 512],
    [28, 512, 512],
    [14, 512, 512],
    // ResNet50.
    [56, 64, 64],
    [28, 128, 128],
    [14, 256, 256],
    [7, 512, 512],
    // Small images.
    [8, 384, 384],
    [8, 64, 64],
];

/// A kernel of the batch on the threads of a context.
type Call<'a> = &'a mut (dyn FnMut(&Context<'_>) + Send);

/// The selected rows, for a batch.
struct Rows {
    batch: usize,
    names: Vec<String>,
    pools: [Pool; 2],
}

impl Rows {
    /// Times two kernels on one thread and on two.
    fn row(&self, name: &str, least: f64, [products, winograd]: [Call<'_>; 2]) {
        let Self { batch, names, pools } = self;
        if !names.is_empty() && !names.iter().any(|wanted| name.contains(wanted)) {
            return;
        }
        let times = pools.each_ref().map(|pool| {
            let context = Context::on(*batch, pool);
            pool.best([&mut || products(&context), &mut || winograd(&context)]).map(|seconds| seconds * 1e3)
        });
        let [one, two] = times;
        print!("{name:36} {:8.2} {:8.2} {:8.2} {:8.2}", one[0], two[0], one[1], two[1]);
        println!("  {:4.0}% {:4.0}%", 100.0 * least / one[1], 50.0 * least / two[1]);
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let (mut batch, mut names) = (1, Vec::new());
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--batch" => batch = arguments.next().and_then(|count| count.parse().ok()).unwrap_or(1),
            _ => names.push(argument),
        }
    }
    let (gflops, pools) = (netwright_measure::peak(1), [Pool::new(1)?, Pool::new(2)?]);
    let rows = Rows { batch, names, pools };
    println!("batch {batch}, peak {gflops:.0} GFLOP/s a thread");
    println!("{:36} {:>17} {:>17}", "one, two threads", "products", "Winograd");
    for [size, channels, filters] in LAYERS {
        let name = format!("{size}: {channels} to {filters}");
        let spec = convolution(size, 3, 1, channels, filters);
        let least = |form: Option<Winograd>| {
            let macs = form.map_or(0, |form| batch * size.div_ceil(form.tile).pow(2) * form.filters_len(&spec));
            macs as f64 / (gflops * 1e6 / 2.0)
        };
        let (x, w, dy) =
            (elements(batch * spec.input_len()), elements(spec.weights_len()), elements(batch * spec.output_len()));
        let [mut y, mut y_of_tiles] = [dy.clone(), dy.clone()];
        let [mut dx, mut dx_of_tiles] = [x.clone(), x.clone()];
        let [mut dw, mut dw_of_tiles] = [w.clone(), w.clone()];
        let scratch = [
            conv_packed_forward_scratch(&spec),
            conv_gemm_forward_scratch(&spec),
            conv_gemm_grad_input_scratch(&spec),
            conv_winograd_forward_scratch(&spec),
            conv_winograd_train_forward_scratch(&spec),
            conv_winograd_grad_input_scratch(&spec),
            conv_gemm_grad_weights_scratch(&spec),
            conv_winograd_grad_weights_scratch(&spec),
        ];
        let len = scratch.into_iter().max().unwrap_or(0);
        let [mut one, mut other] = [vec![0.0f32; 2 * len], vec![0.0; 2 * len]];
        let [mut panels, mut transforms] = [spec.packed_len(), spec.winograd_len()].map(|len| vec![0.0; len]);
        f32::conv_pack(&Context::of(1), &spec, &w, &mut panels);
        f32::conv_winograd_pack(&Context::of(1), &spec, &w, &mut transforms);
        rows.row(
            &format!("{name}, predicting"),
            least(spec.winograd()),
            [
                &mut |on| f32::conv_packed_forward(on, &spec, black_box(&x), &panels, &[], &[], &mut y, &mut one),
                &mut |on| {
                    f32::conv_winograd_forward(
                        on,
                        &spec,
                        black_box(&x),
                        &transforms,
                        &[],
                        &[],
                        &mut y_of_tiles,
                        &mut other,
                    );
                },
            ],
        );
        rows.row(
            &format!("{name}, forward"),
            least(spec.fine_winograd()),
            [
                &mut |on| f32::conv_gemm_forward(on, &spec, black_box(&x), &w, &[], &[], &[], &mut y, &mut one),
                &mut |on| {
                    let y = &mut y_of_tiles;
                    f32::conv_winograd_train_forward(on, &spec, black_box(&x), &w, &[], &[], &[], y, &mut other);
                },
            ],
        );
        rows.row(
            &format!("{name}, gradient of input"),
            least(spec.winograd_of_inputs()),
            [&mut |on| f32::conv_gemm_grad_input(on, &spec, black_box(&dy), &w, &[], &mut dx, &mut one), &mut |on| {
                f32::conv_winograd_grad_input(on, &spec, black_box(&dy), &w, &[], &mut dx_of_tiles, &mut other)
            }],
        );
        rows.row(
            &format!("{name}, gradient of weights"),
            least(spec.winograd_of_weights()),
            [
                &mut |on| f32::conv_gemm_grad_weights(on, &spec, black_box(&x), &dy, &mut dw, &mut [], &mut one),
                &mut |on| {
                    let dw = &mut dw_of_tiles;
                    f32::conv_winograd_grad_weights(on, &spec, black_box(&x), &dy, dw, &mut [], &mut other);
                },
            ],
        );
    }
    Ok(())
}
