//! rten. `RTEN_NUM_THREADS` sets the number of its threads.

use rten::Model;
use rten_tensor::Tensor;
use rten_tensor::prelude::*;
use speak::{Failure, Job};

fn main() -> Result<(), Failure> {
    let job = Job::from_arguments()?;
    let model = Model::load_file(job.onnx())?;
    let images = Tensor::from_data(&job.shape()?, job.images()?);
    let answers: Tensor<f32> = model.run_one(images.view().into(), None)?.try_into()?;
    job.serve(&answers.to_vec(), || {
        model.run_one(images.view().into(), None).expect("an answer like the first");
    })
}
