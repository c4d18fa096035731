//! tract.

use speak::{Failure, Job};
use tract_linalg::multithread::{Executor, set_default_executor};
use tract_onnx::prelude::*;

fn main() -> Result<(), Failure> {
    let job = Job::from_arguments()?;
    if job.threads > 1 {
        set_default_executor(Executor::multithread(job.threads));
    }
    let shape = job.shape()?;
    let model = tract_onnx::onnx()
        .model_for_path(job.onnx())?
        .with_input_fact(0, f32::fact(&shape).into())?
        .into_optimized()?
        .into_runnable()?;
    let images = Tensor::from_shape(&shape, &job.images()?)?.into_tvalue();
    let answers = model.run(tvec!(images.clone()))?;
    let first: Vec<f32> = answers[0].try_as_plain_ram()?.as_slice::<f32>()?.to_vec();
    job.serve(&first, || {
        model.run(tvec!(images.clone())).expect("an answer like the first");
    })
}
