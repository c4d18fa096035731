//! A network in a program that runs on: several threads, weights that are swapped, one of several networks.
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
