//! The language as rustc passes it to the macro: literals with suffixes, adjacent parentheses, comments, attributes, and fragments of
//! a `macro_rules!`. The shapes of the layers show what was parsed.

use netwright::network;
use netwright::private::Layer;

fn shapes(layers: &[Layer]) -> Vec<String> {
    layers.iter().map(|layer| layer.output.to_string()).collect()
}

#[test]
fn numbers_with_suffixes() {
    network! {
        Net(12x10x1) {
            conv 3x3x6 pad 0x1 init normal 1e-3;
            conv 3x1x8 pad 0x0x1x0 stride 2x1 bias 1_0e-2;
            maxpool 2x3 stride 1;
            dense 1_2 leaky_relu 0.01 dropout 2.5E-1;
            dense 3
        }
    }
    assert_eq!(shapes(Net::LAYERS), ["10x10x6", "4x11x8", "3x9x8", "12", "3"]);
}

#[test]
fn numbers_that_look_like_other_numbers() {
    // `0x1x2` begins like a hexadecimal literal, `1e2x1x3` like one with an exponent.
    network! {
        Net(1e1x8x3) {
            zeropad 0x1x2x3;
            crop 0x3;
            conv 0_1x1x4
        }
    }
    assert_eq!(shapes(Net::LAYERS), ["11x13x3", "11x7x3", "11x7x4"]);
}

#[test]
fn expressions_that_touch_their_sizes() {
    network! {
        block cell(width, k = 3) {
            conv 3x3x(2*width) same;
            conv (k)x(k)x64 same;
            conv (k)x3x(width+1) same;
            conv 3x(k)x(width) same;
            conv (k - 2) x (k-2) x (width) stride (k-1);
            conv ( k )x1x5 same;
            conv 1x1x
                (width)
        }
        Net(8x8x1) {
            cell(7);
            (1+1) * cell(2, 3);
            dense (2*(3+4)-1)
        }
    }
    assert_eq!(
        shapes(Net::LAYERS),
        [
            "8x8x14", "8x8x64", "8x8x8", "8x8x7", "4x4x7", "4x4x5", "4x4x7", "4x4x4", "4x4x64", "4x4x3", "4x4x2",
            "2x2x2", "2x2x5", "2x2x2", "2x2x4", "2x2x64", "2x2x3", "2x2x2", "1x1x2", "1x1x5", "1x1x2", "13",
        ]
    );
}

#[test]
fn comments_and_attributes() {
    network! {
        /// A network { with braces }, "quotes", 'c', `ticks` and \ backslashes; // and slashes.
        #[doc = "\"}\" and {"]
        #[doc = r#"raw "{" ## "#]
        /** block /* in block */ } */
        #[allow(clippy::all)]
        pub(crate) Net(4x4x1) { // a stage: }
            conv 2x2x3 /* { */ relu; /* conv 1x1x1; */
            // softmax 2
            dense 5; ;
        } // "
        // 'x
        block r#for(r#in) { dense (r#in) }
        r#Other(3) { r#for(2); }
    }
    assert_eq!(shapes(Net::LAYERS), ["3x3x3", "5"]);
    assert_eq!(shapes(Other::LAYERS), ["2"]);
}

/// Everything on one line, without optional spaces.
#[test]
fn without_spaces() {
    network! {block b(w){dense(w)relu}pub Net(4x4x1){conv 3x3x2 same relu;maxpool 2;2*b(6);b(3);softmax 2}}
    assert_eq!(shapes(Net::LAYERS), ["4x4x2", "2x2x2", "6", "6", "3", "2"]);
}

macro_rules! declare {
    ($vis:vis $name:ident, $input:literal, $filters:literal, $units:expr, $activation:ident, $stride:tt, [$($rest:tt)*]) => {
        network! {
            #[doc = concat!("The network ", stringify!($name))]
            $vis $name($input) {
                conv 3x3x($filters) stride $stride $activation;
                conv ($filters)x($filters)x$filters same as $activation;
                dense $filters;
                dense ($units - 1);
                $($rest)*
            }
        }
    };
}

#[test]
fn fragments_of_a_macro() {
    declare!(pub(crate) Net, 9x9x1, 4, 3 + 3, tanh, (1 + 1), [dense 6 relu; softmax 2]);
    assert_eq!(shapes(Net::LAYERS), ["4x4x4", "4x4x4", "4", "5", "6", "2"]);
}

/// A macro that writes stages, one for each of its arguments.
macro_rules! perceptron {
    ($vis:vis $name:ident: $input:literal $(=> $units:literal)*, $classes:literal) => {
        network! { $vis $name($input) { $(dense $units relu;)* softmax $classes } }
    };
}

#[test]
fn repetitions_of_a_macro() {
    perceptron!(pub(crate) Three: 20 => 16 => 8, 4);
    perceptron!(Two: 6 => 3, 2);
    assert_eq!(shapes(Three::LAYERS), ["16", "8", "4"]);
    assert_eq!(shapes(Two::LAYERS), ["3", "2"]);
}
