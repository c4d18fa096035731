//! Networks that differ in one size each.

macro_rules! network {
    ($name:ident, $input:tt, $width:tt, $depth:tt) => {
        netwright::network! {
            pub $name($input) { conv 3x3x($width) same relu; repeat $depth { conv 3x3x($width) same relu }; globalavgpool; softmax 10 }
        }
    };
}

network!(Base, 56x56x3, 64, 4);

network!(Size14, 14x14x3, 64, 4);
network!(Size28, 28x28x3, 64, 4);
network!(Size112, 112x112x3, 64, 4);
network!(Size224, 224x224x3, 64, 4);

network!(Width16, 56x56x3, 16, 4);
network!(Width32, 56x56x3, 32, 4);
network!(Width128, 56x56x3, 128, 4);
network!(Width256, 56x56x3, 256, 4);

network!(Depth1, 56x56x3, 64, 1);
network!(Depth2, 56x56x3, 64, 2);
network!(Depth8, 56x56x3, 64, 8);
network!(Depth16, 56x56x3, 64, 16);
