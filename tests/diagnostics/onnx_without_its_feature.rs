netwright::network! { pub Model = onnx "tests/foreign/small/pytorch.onnx"; }

fn main() {
    let network = Model::from_onnx("model.onnx").unwrap();
    let _ = network.parameters();
}
