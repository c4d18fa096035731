//! ONNX as a front end: what a file becomes, what it is refused for, and that every word goes out and comes back.
#![cfg(feature = "onnx")]

mod back;
mod models;
#[path = "../support/onnx_file.rs"]
mod onnx_file;
mod read;
mod refused;
