//! Prediction in a long-running program: several threads, one copy of the weights, replacing weights at run time, choosing among networks.
//!
//! # Several threads
//!
//! `predict` borrows a network and has no visible side effects, so threads share it as they share any value: in an `Arc`, or by a borrow in a
//! scope. There is one copy of the weights. Each running prediction uses a workspace of its own; workspaces are kept and reused, and a new one
//! is allocated only when more predictions run at once than ever before. After that nothing is allocated.
//!
//! ```
//! use std::sync::Arc;
//! use std::thread;
//! use netwright::prelude::*;
//!
//! netwright::network! { pub Reader(8x8x1) { conv 3x3x4 same relu; dense 10; softmax } }
//!
//! let reader = Arc::new(Reader::init(1));
//! let workers: Vec<_> = (0..4)
//!     .map(|_| {
//!         let reader = Arc::clone(&reader);
//!         thread::spawn(move || reader.predict(&Tensor::zeros()))
//!     })
//!     .collect();
//! let answers: Vec<[f32; 10]> = workers.into_iter().map(|worker| worker.join().expect("no panic")).collect();
//! assert!(answers.iter().all(|answer| *answer == answers[0])); // to the bit
//! ```
//!
//! A clone copies the weights: use it for a second version of them, not for a second thread. Where memory is short, a
//! [`Predictor`](crate::Predictor) borrows weights and a workspace that its caller owns, one workspace per thread.
//!
//! # One copy of the weights
//!
//! A network can be trained further, so it holds its weights and, for predictions, packed or transformed copies of most of them. A program
//! that only predicts holds an [`OwnedPredictor`](crate::OwnedPredictor): the prepared weights, and the other weights that predictions read
//! unchanged. It gives the same bits as the network. Created from a file, it reads and prepares one tensor after the other, and never holds all
//! original weights at once; it can write its contents to a file that needs no further preparation.
//!
//! ```
//! use netwright::prelude::*;
//! use netwright::OwnedPredictor;
//!
//! netwright::network! { pub Reader(8x8x1) { conv 3x3x16 same relu; conv 3x3x16 same relu; dense 10; softmax } }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = std::env::temp_dir().join(format!("netwright-serving-{}", std::process::id()));
//! # std::fs::create_dir_all(&folder)?;
//! # let [weights, prepared] = ["reader.safetensors", "reader.prepared"].map(|name| folder.join(name));
//! let reader = Reader::init(1);
//! reader.save(&weights)?;
//! let answer = reader.predict(&Tensor::zeros());
//!
//! let predictor = OwnedPredictor::<Reader>::from_file(&weights)?; // or `reader.into_predictor()`
//! assert_eq!(predictor.predict(&Tensor::zeros()), answer);
//! predictor.save(&prepared)?;
//! assert_eq!(OwnedPredictor::<Reader>::from_file(&prepared)?.predict(&Tensor::zeros()), answer);
//! # std::fs::remove_dir_all(&folder)?;
//! # Ok(())
//! # }
//! ```
//!
//! A [`Predictor`](crate::Predictor) borrows the bytes of such a file in place: in the flash of a board, or in a memory-mapped file, whose
//! pages several processes share (`memmap2::Mmap` provides such bytes). Besides these it only needs its workspace.
//!
//! ```
//! use netwright::{PredictionFileError, Predictor, Tensor};
//!
//! netwright::network! { pub Reader(8x8x1) { conv 3x3x16 same relu; conv 3x3x16 same relu; dense 10; softmax } }
//!
//! fn read(prepared: &[u8], image: &Tensor<8, 8, 1>) -> Result<[f32; 10], PredictionFileError> {
//!     let mut workspace = [0.0; Predictor::<Reader>::WORKSPACE];
//!     Ok(Predictor::<Reader>::from_bytes(prepared, &mut workspace)?.predict(image))
//! }
//! # assert!(read(&[], &Tensor::zeros()).is_err());
//! ```
//!
//! Prepared weights belong to one network as compiled by one version of netwright, on any little-endian processor. A file of another
//! network, of other layers, or of kernels with another packed layout, and a truncated or damaged file, is a
//! [`PredictionFileError`](crate::PredictionFileError). For long-term storage, keep the weights themselves.
//!
//! # The same bits everywhere
//!
//! Any number of threads gives the same bits. Instruction sets differ in the order of their sums: AVX2, AVX-512, NEON and WebAssembly's vectors
//! differ from scalar code by rounding, predictions by less than 1e-6, gradients by less than 1e-5 of the root mean square of their layer's
//! gradient (`tests/instructions.rs` checks both). Over many steps of training, rounding leads to different weights.
//! [`InstructionSet::Portable`](crate::InstructionSet::Portable) uses one order on every machine, for predictions and for training, and takes several
//! times as long: call `network.set_instructions(InstructionSet::Portable)?` before `predict`, a [`Trainer`](crate::train::Trainer), a
//! [`GradientEngine`](crate::train::GradientEngine) or a training loop of your own. CI trains this way on x86-64, aarch64 and WebAssembly and
//! compares the bits.
//!
//! # Replacing weights at run time
//!
//! A network is a value: load a new one beside the old, test it, and replace the old one. A running prediction keeps the network it began with.
//!
//! ```
//! use std::path::Path;
//! use std::sync::{Arc, RwLock};
//! use netwright::prelude::*;
//! use netwright::Error;
//!
//! netwright::network! { pub Reader(8x8x1) { conv 3x3x4 same relu; dense 10; softmax } }
//!
//! struct Service(RwLock<Arc<Reader>>);
//!
//! impl Service {
//!     fn answer(&self, image: &Tensor<8, 8, 1>) -> [f32; 10] {
//!         let reader = Arc::clone(&self.0.read().unwrap_or_else(|poisoned| poisoned.into_inner()));
//!         reader.predict(image) // the lock is free again
//!     }
//!
//!     /// Nothing changes if the file is missing, truncated, or of another network.
//!     fn swap(&self, weights: &Path) -> Result<(), Error> {
//!         let reader = Arc::new(Reader::from_file(weights)?);
//!         *self.0.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = reader;
//!         Ok(())
//!     }
//! }
//!
//! let service = Service(RwLock::new(Arc::new(Reader::init(1))));
//! let before = service.answer(&Tensor::zeros());
//! assert!(service.swap(Path::new("no such file")).is_err());
//! assert_eq!(service.answer(&Tensor::zeros()), before);
//! ```
//!
//! # One of several networks
//!
//! Networks of different layers are different types. An `enum` chooses among a closed set, a trait object among all that share the types of input
//! and answer; either takes a few lines, and costs one indirect jump per image.
//!
//! ```
//! use netwright::prelude::*;
//!
//! netwright::network! {
//!     pub Small(8x8x1) { dense 16 relu; softmax 10 }
//!     pub Large(8x8x1) { conv 3x3x16 same relu; conv 3x3x16 same relu; dense 64 relu; softmax 10 }
//! }
//!
//! /// A network that reads digits.
//! trait ReadsDigits: Send + Sync {
//!     fn read(&self, image: &Tensor<8, 8, 1>) -> [f32; 10];
//! }
//!
//! impl<N: Network<Scalar = f32, Input = Tensor<8, 8, 1>, Output = [f32; 10]>> ReadsDigits for N {
//!     fn read(&self, image: &Tensor<8, 8, 1>) -> [f32; 10] {
//!         self.predict(image)
//!     }
//! }
//!
//! fn reader(name: &str) -> Option<Box<dyn ReadsDigits>> {
//!     match name {
//!         "small" => Some(Box::new(Small::init(1))),
//!         "large" => Some(Box::new(Large::init(1))),
//!         _ => None,
//!     }
//! }
//!
//! let answer = reader("large").map(|network| network.read(&Tensor::zeros()));
//! assert!(answer.is_some_and(|answer| (answer.iter().sum::<f32>() - 1.0).abs() < 1e-5));
//! ```
