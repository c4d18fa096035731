netwright::network! { pub Self = onnx "tests/foreign/small/pytorch.onnx"; }

fn main() {}
