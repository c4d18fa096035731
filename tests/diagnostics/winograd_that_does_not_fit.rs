netwright::network! {
    Steps(32x32x16) { conv 3x3x32 stride 2 winograd; globalavgpool; softmax 3 }
    Window(32x32x16) { conv 5x5x32 same winograd; globalavgpool; softmax 3 }
    Channels(32x32x3) { conv 3x3x32 same winograd; globalavgpool; softmax 3 }
    Both(32x32x16) { conv 3x3x32 winograd exact; globalavgpool; softmax 3 }
}

fn main() {}
