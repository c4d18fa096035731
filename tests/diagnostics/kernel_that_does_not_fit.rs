netwright::network! {
    Steps(32x32x16) { conv 3x3x32 stride 2 kernel winograd; globalavgpool; softmax 3 }
    Window(32x32x16) { conv 7x7x32 same kernel winograd; globalavgpool; softmax 3 }
    Groups(32x32x16) { conv 3x3x32 same kernel grouped; conv 3x3x32 groups 4 kernel depthwise; globalavgpool; softmax 3 }
    Both(32x32x16) { conv 3x3x32 kernel winograd exact; globalavgpool; softmax 3 }
    Misspelt(32x32x16) { conv 3x3x32 kernel winogard same; conv 3x3x32 kernel relu; globalavgpool; softmax 3 }
    Pointwise(32x32x16) { sepconv 3x3x32 kernel winograd; globalavgpool; softmax 3 }
    Missing(32x32x16) { conv 3x3x32 kernel; globalavgpool; softmax 3 }
    Number(32x32x16) { conv 3x3x32 kernel 3; globalavgpool; softmax 3 }
    Twice(32x32x16) { conv 3x3x32 kernel gemm kernel direct; globalavgpool; softmax 3 }
    Dense(32x32x16) { conv 3x3x32; dense 10 kernel gemm; softmax 3 }
    Answer(32x32x16) { conv 3x3x32; softmax 10 kernel winograd }
    Alone(32x32x16) { conv 3x3x32; dense 10; softmax kernel gemm }
    Old(32x32x16) { conv 3x3x32 winograd; globalavgpool; softmax 3 }
}

fn main() {}
