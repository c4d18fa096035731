//! Convolutions, depthwise and transposed convolutions and dense layers against PyTorch in float64.

use netwright_abi::Epilogue;
use netwright_compute::Scalar;
use netwright_compute::context::Context;
use netwright_compute::kernels::{Kernels, conv, deconv, dense, depthwise};
use serde_json::Value;

/// One case: operands, and the expected results of the three passes.
struct Case {
    name: String,
    batch: usize,
    x: Vec<f64>,
    w: Vec<f64>,
    b: Vec<f64>,
    dy: Vec<f64>,
    y: Vec<f64>,
    dx: Vec<f64>,
    dw: Vec<f64>,
    db: Vec<f64>,
}

/// What a variant computed: y, dx, dw, db.
type Results<T> = [Vec<T>; 4];

fn list(value: &Value) -> Vec<usize> {
    value.as_array().unwrap().iter().map(|number| usize::try_from(number.as_u64().unwrap()).unwrap()).collect()
}

fn array<const N: usize>(value: &Value) -> [usize; N] {
    list(value).try_into().unwrap()
}

fn cases(operation: &str) -> Vec<(Value, Case)> {
    let Value::Array(all) = serde_json::from_str(include_str!("golden/conv.json")).unwrap() else {
        panic!("a list of cases");
    };
    let found: Vec<_> = all
        .into_iter()
        .filter(|case| case["op"] == operation)
        .map(|value| {
            let values = |key: &str| value[key].as_array().unwrap().iter().map(|n| n.as_f64().unwrap()).collect();
            let case = Case {
                name: value["name"].as_str().unwrap().into(),
                batch: list(&value["x_shape"])[0],
                x: values("x"),
                w: values("w"),
                b: values("b"),
                dy: values("dy"),
                y: values("y"),
                dx: values("dx"),
                dw: values("dw"),
                db: values("db"),
            };
            (value, case)
        })
        .collect();
    assert!(!found.is_empty(), "no case of {operation}");
    found
}

fn cast<T: Scalar>(values: &[f64]) -> Vec<T> {
    values.iter().map(|&number| T::from_f64(number)).collect()
}

impl Case {
    /// Runs a variant in one precision and compares the results, relative to the largest element of each.
    fn check<T: Scalar>(&self, variant: &str, run: impl FnOnce([&[T]; 4], &mut Results<T>)) {
        let [x, w, b, dy] = [&self.x, &self.w, &self.b, &self.dy].map(|values| cast::<T>(values));
        let mut results = [
            vec![T::from_f64(f64::NAN); self.y.len()],
            vec![T::from_f64(f64::NAN); x.len()],
            vec![T::ZERO; w.len()],
            vec![T::ZERO; b.len()],
        ];
        run([&x, &w, &b, &dy], &mut results);
        let tolerance = if T::NAME == "F32" { 1e-5 } else { 1e-10 };
        for ((what, got), right) in
            ["y", "dx", "dw", "db"].into_iter().zip(results).zip([&self.y, &self.dx, &self.dw, &self.db])
        {
            assert_eq!(got.len(), right.len(), "{} {variant} {what}", self.name);
            let scale = right.iter().fold(1.0, |largest: f64, number| largest.max(number.abs()));
            for (index, (got, right)) in got.iter().zip(right).enumerate() {
                assert!(
                    (got.to_f64() - right).abs() <= tolerance * scale,
                    "{} {variant} {} {what} at {index}: {got} for {right}",
                    self.name,
                    T::NAME,
                );
            }
        }
    }
}

fn memory<T: Scalar>(len: usize) -> Vec<T> {
    vec![T::from_f64(f64::NAN); len]
}

fn conv_spec(value: &Value, input: [usize; 3], output: [usize; 3], groups: usize) -> conv::Spec {
    let window = list(&value["w_shape"]);
    conv::Spec {
        input,
        output,
        window: [window[0], window[1]],
        stride: array(&value["stride"]),
        padding: value.get("pads_tblr").map_or([0; 4], array),
        dilation: value.get("dilation").map_or([1; 2], array),
        groups,
        epilogue: Epilogue::NONE,
    }
}

fn image(shape: &Value) -> [usize; 3] {
    let [_, height, width, channels] = array(shape);
    [height, width, channels]
}

fn conv_variants<T: Scalar + Kernels>(case: &Case, spec: &conv::Spec) {
    let batch = case.batch;
    case.check::<T>("direct", |[x, w, b, dy], [y, dx, dw, db]| {
        T::conv_direct_forward(&Context::of(batch), spec, x, w, &[], b, y);
        T::conv_direct_grad_input(&Context::of(batch), spec, dy, w, &[], dx);
        let mut scratch = memory(conv::conv_direct_grad_weights_scratch(spec));
        T::conv_direct_grad_weights(&Context::of(batch), spec, x, dy, dw, db, &mut scratch);
    });
    case.check::<T>("grouped", |[x, w, b, dy], [y, dx, dw, db]| {
        T::conv_grouped_forward(
            &Context::of(batch),
            spec,
            x,
            w,
            &[],
            &[],
            b,
            y,
            &mut memory(conv::conv_grouped_forward_scratch(spec)),
        );
        T::conv_grouped_grad_input(
            &Context::of(batch),
            spec,
            dy,
            w,
            &[],
            dx,
            &mut memory(conv::conv_grouped_grad_input_scratch(spec)),
        );
        let mut scratch = memory(conv::conv_grouped_grad_weights_scratch(spec));
        T::conv_grouped_grad_weights(&Context::of(batch), spec, x, dy, dw, db, &mut scratch);
    });
    case.check::<T>("gemm", |[x, w, b, dy], [y, dx, dw, db]| {
        T::conv_gemm_forward(
            &Context::of(batch),
            spec,
            x,
            w,
            &[],
            &[],
            b,
            y,
            &mut memory(conv::conv_gemm_forward_scratch(spec)),
        );
        T::conv_gemm_grad_input(
            &Context::of(batch),
            spec,
            dy,
            w,
            &[],
            dx,
            &mut memory(conv::conv_gemm_grad_input_scratch(spec)),
        );
        let mut scratch = memory(conv::conv_gemm_grad_weights_scratch(spec));
        T::conv_gemm_grad_weights(&Context::of(batch), spec, x, dy, dw, db, &mut scratch);
    });
    case.check::<T>("reference", |[x, w, b, dy], [y, dx, dw, db]| {
        conv::reference::forward(batch, spec, x, w, b, y);
        conv::reference::grad_input(batch, spec, dy, w, dx);
        conv::reference::grad_weights(batch, spec, x, dy, dw, db);
    });
}

#[test]
fn convolutions_are_those_of_pytorch() {
    for (value, case) in cases("conv2d") {
        let groups = usize::try_from(value["groups"].as_u64().unwrap()).unwrap();
        let spec = conv_spec(&value, image(&value["x_shape"]), image(&value["y_shape"]), groups);
        conv_variants::<f64>(&case, &spec);
        conv_variants::<f32>(&case, &spec);
    }
}

fn depthwise_variants<T: Scalar + Kernels>(case: &Case, spec: &conv::Spec) {
    let batch = case.batch;
    case.check::<T>("depthwise", |[x, w, b, dy], [y, dx, dw, db]| {
        T::depthwise_forward(
            &Context::of(batch),
            spec,
            x,
            w,
            &[],
            b,
            y,
            &mut memory(depthwise::depthwise_forward_scratch(spec)),
        );
        T::depthwise_grad_input(
            &Context::of(batch),
            spec,
            dy,
            w,
            dx,
            &mut memory(depthwise::depthwise_grad_input_scratch(spec)),
        );
        T::depthwise_grad_weights(
            &Context::of(batch),
            spec,
            x,
            dy,
            dw,
            db,
            &mut memory(depthwise::depthwise_grad_weights_scratch(spec)),
        );
    });
    conv_variants::<T>(case, spec);
}

#[test]
fn depthwise_convolutions_are_those_of_pytorch() {
    for (value, case) in cases("depthwise_conv2d") {
        let input = image(&value["x_shape"]);
        let spec = conv_spec(&value, input, image(&value["y_shape"]), input[2]);
        depthwise_variants::<f64>(&case, &spec);
        depthwise_variants::<f32>(&case, &spec);
    }
}

fn transposed<T: Scalar + Kernels>(case: &Case, spec: &conv::Spec) {
    let batch = case.batch;
    case.check::<T>("deconv", |[x, w, b, dy], [y, dx, dw, db]| {
        T::deconv_forward(
            &Context::of(batch),
            spec,
            x,
            w,
            &[],
            &[],
            b,
            y,
            &mut memory(deconv::deconv_forward_scratch(spec)),
        );
        T::deconv_grad_input(
            &Context::of(batch),
            spec,
            dy,
            w,
            &[],
            dx,
            &mut memory(deconv::deconv_grad_input_scratch(spec)),
        );
        let mut scratch = memory(deconv::deconv_grad_weights_scratch(spec));
        T::deconv_grad_weights(&Context::of(batch), spec, x, dy, dw, db, &mut scratch);
    });
}

#[test]
fn transposed_convolutions_are_those_of_pytorch() {
    for (value, case) in cases("conv2d_transpose") {
        let [top, left] = array(&value["crop_top_left"]);
        let mut spec = conv_spec(&value, image(&value["y_shape"]), image(&value["x_shape"]), 1);
        spec.padding = [top, top, left, left];
        transposed::<f64>(&case, &spec);
        transposed::<f32>(&case, &spec);
    }
}

fn dense_variants<T: Scalar + Kernels>(case: &Case, spec: &dense::Spec) {
    let (batch, dense::Spec { inputs, outputs, .. }) = (case.batch, *spec);
    let flip = |w: &[T], rows: usize, columns: usize| -> Vec<T> {
        (0..columns).flat_map(|column| (0..rows).map(move |row| w[row * columns + column])).collect()
    };
    case.check::<T>("dense", |[x, w, b, dy], [y, dx, dw, db]| {
        T::dense_forward(
            &Context::of(batch),
            spec,
            x,
            w,
            &[],
            &[],
            b,
            y,
            &mut memory(dense::dense_forward_scratch(spec)),
        );
        T::dense_grad_input(
            &Context::of(batch),
            spec,
            dy,
            w,
            &[],
            dx,
            &mut memory(dense::dense_grad_input_scratch(spec)),
        );
        T::dense_grad_weights(
            &Context::of(batch),
            spec,
            x,
            dy,
            dw,
            db,
            &mut memory(dense::dense_grad_weights_scratch(spec)),
        );
    });
    case.check::<T>("dense_transposed", |[x, w, b, dy], [y, dx, dw, db]| {
        let w = flip(w, inputs, outputs);
        let mut scratch = memory(dense::dense_transposed_forward_scratch(spec));
        T::dense_transposed_forward(&Context::of(batch), spec, x, &w, &[], &[], b, y, &mut scratch);
        let mut scratch = memory(dense::dense_transposed_grad_input_scratch(spec));
        T::dense_transposed_grad_input(&Context::of(batch), spec, dy, &w, &[], dx, &mut scratch);
        let mut scratch = memory(dense::dense_transposed_grad_weights_scratch(spec));
        T::dense_transposed_grad_weights(&Context::of(batch), spec, x, dy, dw, db, &mut scratch);
        *dw = flip(dw, outputs, inputs);
    });
}

#[test]
fn dense_layers_are_those_of_pytorch() {
    for (value, case) in cases("dense") {
        let [inputs, outputs] = array(&value["w_shape"]);
        dense_variants::<f64>(&case, &dense::Spec { inputs, outputs, epilogue: Epilogue::NONE });
        dense_variants::<f32>(&case, &dense::Spec { inputs, outputs, epilogue: Epilogue::NONE });
    }
}
