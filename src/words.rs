//! The language, word by word.
//!
//! A network is a sequence of stages between braces; each reads the output of the one before. A stage is a word with its numbers and options,
//! followed by words that apply to its output, such as an activation:
//!
//! ```
//! netwright::network! {
//!     pub Small(28x28x1) {
//!         conv 5x5x8 stride 2 same init he relu;  // a layer, its numbers, its options, an activation
//!         maxpool 2;
//!         dense 32 tanh as features;              // a name for the layer
//!         softmax 10
//!     }
//! }
//! ```
//!
//! An option belongs to the nearest word before it that accepts it. Sizes are joined by `x`: height x width x filters for a
//! convolution, height x width for a window.
//!
//! Every word is a module here, so that it has a page of its own and an editor can show that page under the word in a network.
//! There is nothing to import. [`network!`](crate::network!) has the grammar, and describes the generated code.
#![doc = netwright_macros::tables_of_words!()]

netwright_macros::words! { all }
