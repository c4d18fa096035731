//! A network in a program that runs on: several threads, weights that are there once, weights that are swapped, one of several networks.
//!
//! # Several threads
//!
//! `predict` borrows a network and changes nothing that is seen, so threads share it as they share any value: in an `Arc`, or by a borrow in a
//! scope. The weights are there once; each prediction under way has a workspace of its own, which is kept for the next one and made when there
//! are more at a time than ever before. After that nothing is allocated.
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
//! A clone copies the weights: it is for a second version of them, not for a second thread. Where memory is short, a
//! [`Predictor`](crate::Predictor) borrows weights and a workspace that its caller owns, one for each thread.
//!
//! # Weights once
//!
//! A network may go on training, so that it holds its weights and, for predictions, packed or transformed copies of most of them. A program
//! that only predicts holds an [`OwnedPredictor`](crate::OwnedPredictor): the prepared weights, and those others that predictions read as they
//! are. It gives the network's bits. Made of a file, it reads and prepares one tensor after the other, and never has the weights as a whole; it
//! writes what it holds to a file that needs no preparation.
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
//! A [`Predictor`](crate::Predictor) borrows the bytes of such a file where they lie: in the flash of a board, or in a file that is mapped, whose
//! pages several processes share (`memmap2::Mmap` is such bytes). What it needs besides is its workspace.
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
//! Prepared weights are for one network as one version of netwright compiles it, on any processor with the little end first. Those of another
//! network, of other layers, of kernels that pack otherwise, cut short or damaged are a
//! [`PredictionFileError`](crate::PredictionFileError). The weights themselves are what is kept for good.
//!
//! # The same bits everywhere
//!
//! Any number of threads gives the same bits. Instruction sets add up in an order of their own: AVX2, AVX-512, NEON and WebAssembly's vectors
//! differ from plain code by rounding, predictions by less than 1e-6, gradients by less than 1e-5 of the root mean square of their layer's
//! (`tests/instructions.rs` holds them to it). Over many steps of training, rounding grows into other weights.
//! [`InstructionSet::Portable`](crate::InstructionSet::Portable) holds every machine to one order, of predictions and of training, at several times the
//! cost: `network.set_instructions(InstructionSet::Portable)?` before `predict`, a [`Trainer`](crate::train::Trainer), a
//! [`GradientEngine`](crate::train::GradientEngine) or a loop of one's own. CI trains so on x86-64, aarch64 and WebAssembly and compares the bits.
//!
//! # Weights swapped while it runs
//!
//! A network is a value: a new one is loaded beside the old, tried, and put in its place. Whoever predicts holds the one it began with.
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
//!     /// Nothing changes where the file is not there, is cut short, or belongs to another network.
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
//! Networks of different layers are different types. An `enum` chooses among those that are known, a trait object among those that share an input
//! and an answer; either is written in a few lines, and costs one jump for an image.
//!
//! ```
//! use netwright::prelude::*;
//!
//! netwright::network! {
//!     pub Small(8x8x1) { dense 16 relu; softmax 10 }
//!     pub Large(8x8x1) { conv 3x3x16 same relu; conv 3x3x16 same relu; dense 64 relu; softmax 10 }
//! }
//!
//! /// Whatever reads digits.
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
