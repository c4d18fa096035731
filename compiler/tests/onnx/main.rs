//! The ONNX front end: imported graphs, rejected files, and the round trip of every word.
#![cfg(feature = "onnx")]

mod back;
mod models;
#[path = "../support/onnx_file.rs"]
mod onnx_file;
mod read;
mod refused;
