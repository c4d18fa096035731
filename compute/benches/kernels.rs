//! Kernels on the layers of the classic networks, one image and one thread, with their arithmetic and bytes: GFLOP/s and GB/s, and their
//! share of the machine's peak, which is measured first.
//!
//! `cargo bench -p netwright-compute --features std --bench kernels`; names after `--` select the rows that contain one of them.

use std::hint::black_box;

use netwright_abi::{Activation, Epilogue};
use netwright_compute::context::Context;
use netwright_compute::kernels::{Kernels, activation, add, batchnorm, conv, dense, lrn, pool, separable, softmax};
use netwright_measure::{Row, Table, best, elements};

/// The selected rows.
struct Bench {
    table: Table,
    names: Vec<String>,
}

impl Bench {
    /// Times a kernel, and prints it with its arithmetic and the elements that it must move.
    fn row(&self, name: String, macs: f64, moved: usize, mut call: impl FnMut()) {
        if self.names.is_empty() || self.names.iter().any(|wanted| name.contains(wanted)) {
            let [seconds] = best([&mut call]);
            self.table.row(&Row { name, seconds, macs, bytes: 4.0 * moved as f64 });
        }
    }

    /// A convolution that keeps the size of its image, in every direction and by every kernel that fits.
    fn convolution(&self, size: usize, window: usize, channels: usize, filters: usize) {
        let spec = netwright_measure::convolution(size, window, 1, channels, filters);
        let one = Context::of(1);
        let winograd = spec.winograd().is_some();
        let (x, w, dy) = (elements(spec.input_len()), elements(spec.weights_len()), elements(spec.output_len()));
        let (mut y, mut dx, mut dw) = (dy.clone(), x.clone(), w.clone());
        let scratch = [
            conv::conv_gemm_forward_scratch(&spec),
            conv::conv_packed_forward_scratch(&spec),
            if winograd { conv::conv_winograd_forward_scratch(&spec) } else { 0 },
            conv::conv_gemm_grad_input_scratch(&spec),
            conv::conv_gemm_grad_weights_scratch(&spec),
            conv::conv_direct_grad_weights_scratch(&spec),
        ];
        let mut scratch = vec![0.0_f32; scratch.into_iter().max().unwrap_or(0)];
        let macs = (spec.output_len() * spec.weights_len() / filters) as f64;
        let moved = x.len() + w.len() + y.len();
        let name = |kernel: &str| format!("{window}x{window}x{channels} to {filters} at {size}, {kernel}");
        let mut prepared = vec![0.0; spec.packed_len()];
        f32::conv_pack(&one, &spec, &w, &mut prepared);
        self.row(name("packed"), macs, moved, || {
            f32::conv_packed_forward(&one, &spec, black_box(&x), &prepared, &[], &[], &mut y, &mut scratch);
        });
        self.row(name("direct"), macs, moved, || {
            f32::conv_direct_forward(&one, &spec, black_box(&x), &w, &[], &[], &mut y);
        });
        if winograd {
            let mut prepared = vec![0.0; spec.winograd_len()];
            f32::conv_winograd_pack(&one, &spec, &w, &mut prepared);
            self.row(name("Winograd"), macs, moved, || {
                f32::conv_winograd_forward(&one, &spec, black_box(&x), &prepared, &[], &[], &mut y, &mut scratch);
            });
        }
        self.row(name("gradient of input"), macs, moved, || {
            f32::conv_gemm_grad_input(&one, &spec, black_box(&dy), &w, &[], &mut dx, &mut scratch);
        });
        self.row(name("gradient of weights"), macs, moved + w.len(), || {
            f32::conv_gemm_grad_weights(&one, &spec, black_box(&x), &dy, &mut dw, &mut [], &mut scratch);
        });
    }

    /// A depthwise convolution of 3x3 followed by a 1x1 convolution: in turn, and by one kernel.
    fn separable(&self, size: usize, channels: usize, filters: usize) {
        let spec = separable::Spec {
            input: [size, size, channels],
            output: [size, size, filters],
            window: [3; 2],
            stride: [1; 2],
            padding: [1; 4],
            dilation: [1; 2],
            between: Epilogue::NONE,
            epilogue: Epilogue::NONE,
        };
        let (first, second, one) = (spec.depthwise(), spec.pointwise(), Context::of(1));
        let (x, w, mut between) = (elements(first.input_len()), elements(9 * channels), elements(first.output_len()));
        let (filters_of_one, mut y) = (elements(second.weights_len()), elements(second.output_len()));
        let (mut packed, mut scratch) = (vec![0.0; second.packed_len()], vec![0.0; spec.band_len()]);
        f32::conv_pack(&one, &second, &filters_of_one, &mut packed);
        let macs = (first.output_len() * 9 + second.output_len() * channels) as f64;
        let moved = x.len() + w.len() + packed.len() + y.len();
        let name = |how: &str| format!("3x3 of each of {channels}, then 1x1 to {filters} at {size}, {how}");
        self.row(name("in turn"), macs, moved + 2 * between.len(), || {
            f32::depthwise_forward(&one, &first, black_box(&x), &w, &[], &[], &mut between, &mut []);
            f32::conv_packed_forward(&one, &second, &between, &packed, &[], &[], &mut y, &mut []);
        });
        self.row(name("together"), macs, moved, || {
            f32::separable_forward(&one, &spec, black_box(&x), &w, &[], &[], &packed, &[], &[], &mut y, &mut scratch);
        });
    }

    /// A dense layer: a batch, and its gradients.
    fn dense(&self, batch: usize, inputs: usize, outputs: usize) {
        let spec = dense::Spec { inputs, outputs, epilogue: Epilogue::NONE };
        let all = Context::of(batch);
        let (x, w, dy) = (elements(batch * inputs), elements(inputs * outputs), elements(batch * outputs));
        let (mut y, mut dx, mut dw) = (dy.clone(), x.clone(), w.clone());
        let scratch = [
            dense::dense_forward_scratch(&spec),
            dense::dense_grad_input_scratch(&spec),
            dense::dense_grad_weights_scratch(&spec),
        ];
        let mut scratch = vec![0.0_f32; scratch.into_iter().max().unwrap_or(0)];
        let macs = (batch * inputs * outputs) as f64;
        let moved = x.len() + w.len() + y.len();
        let name = |what: &str| format!("dense {inputs} to {outputs}, batch {batch}, {what}");
        self.row(name("forward"), macs, moved, || {
            f32::dense_forward(&all, &spec, black_box(&x), &w, &[], &[], &[], &mut y, &mut scratch);
        });
        self.row(name("gradient of input"), macs, moved, || {
            f32::dense_grad_input(&all, &spec, black_box(&dy), &w, &[], &mut dx, &mut scratch);
        });
        self.row(name("gradient of weights"), macs, moved + w.len(), || {
            f32::dense_grad_weights(&all, &spec, black_box(&x), &dy, &mut dw, &mut [], &mut scratch);
        });
    }

    /// Memory-bound kernels, on an image of 56x56x256, 3 MB.
    fn elementwise(&self) {
        const ROWS: usize = 56 * 56;
        const CHANNELS: usize = 256;
        const LEN: usize = ROWS * CHANNELS;
        let one = Context::of(1);
        let (x, mut y, mut small) = (elements(LEN), elements(LEN), elements(LEN / 4));
        let name = |what: &str| format!("{what}, 56x56x256");
        for function in [Activation::Relu, Activation::Tanh, Activation::Sigmoid, Activation::Gelu] {
            let spec = activation::Spec::new(function, LEN);
            self.row(name(&format!("{function:?}")), 0.0, 2 * LEN, || {
                f32::activation_forward(&one, &spec, &[], black_box(&mut y));
            });
            y.copy_from_slice(&x);
        }
        let spec = add::Spec { len: LEN, activation: Some(Activation::Relu) };
        self.row(name("sum and rectifier"), 0.0, 3 * LEN, || {
            f32::add_assign(&one, &spec, black_box(&x), &mut y);
        });
        y.copy_from_slice(&x);
        let spec = softmax::Spec { rows: ROWS, classes: CHANNELS };
        self.row(name("softmax"), 0.0, 2 * LEN, || f32::softmax_forward(&one, &spec, &[], black_box(&mut y)));
        y.copy_from_slice(&x);
        let spec = batchnorm::Spec { rows: ROWS, channels: CHANNELS, epsilon: 1e-3, momentum: 0.99, activation: None };
        let (gamma, beta, mean, variance) =
            (vec![1.0; CHANNELS], vec![0.0; CHANNELS], vec![0.0; CHANNELS], vec![1.0; CHANNELS]);
        self.row(name("batch norm, predicting"), 0.0, 2 * LEN, || {
            f32::batchnorm_predict_forward(&one, &spec, &gamma, &beta, &mean, &variance, &[], black_box(&mut y));
        });
        let (mut saved, mut deviation, mut means, mut variances) =
            (mean.clone(), mean.clone(), mean.clone(), variance.clone());
        let pass = netwright_compute::Pass::default();
        self.row(name("batch norm, training"), 0.0, 3 * LEN, || {
            f32::batchnorm_train_forward(
                &one,
                &spec,
                &pass,
                black_box(&x),
                &gamma,
                &beta,
                &mut means,
                &mut variances,
                &mut y,
                &mut saved,
                &mut deviation,
            );
        });
        let spec = lrn::Spec {
            rows: ROWS,
            channels: CHANNELS,
            size: 5,
            alpha: 1e-4,
            beta: 0.75,
            k: 2.0,
            epilogue: Epilogue::NONE,
        };
        self.row(name("response norm"), 0.0, 2 * LEN, || f32::lrn_forward(&one, &spec, black_box(&x), &mut y));
        let spec = pool::Spec {
            input: [56, 56, CHANNELS],
            output: [28, 28, CHANNELS],
            window: [2; 2],
            stride: [2; 2],
            padding: [0; 4],
            epilogue: Epilogue::NONE,
        };
        self.row(name("max pool 2"), 0.0, LEN + LEN / 4, || {
            f32::maxpool_forward(&one, &spec, black_box(&x), &[], &[], &mut small);
        });
        self.row(name("mean pool 2"), 0.0, LEN + LEN / 4, || {
            f32::avgpool_forward(&one, &spec, black_box(&x), &[], &[], &mut small);
        });
    }
}

fn main() {
    let names = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let bench = Bench { table: Table::new(1), names };
    for (size, window, channels, filters) in [
        // Layers of VGG-16 and ResNet50, largest image first.
        (224, 3, 64, 64),
        (56, 3, 256, 256),
        (14, 3, 512, 512),
        (56, 1, 64, 256),
        (14, 1, 1024, 256),
        (7, 3, 512, 512),
        // The second convolution of LeNet-5.
        (14, 5, 6, 16),
    ] {
        bench.convolution(size, window, channels, filters);
    }
    // The second layer of Xception, those of its middle flow, and one of MobileNetV2.
    bench.separable(147, 128, 128);
    bench.separable(19, 728, 728);
    bench.separable(56, 144, 24);
    bench.dense(1, 4096, 4096);
    bench.dense(64, 784, 512);
    bench.elementwise();
}
