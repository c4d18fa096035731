"""ncnn, from a file that `pnnx` converted, in single precision. It computes one image at a time: a batch is a loop."""

import pathlib
import subprocess
import sys

import ncnn
import numpy as np

from .speak import job

work = job()
images = work.images()
converted = work.folder / "ncnn"
parameters, weights = converted / "model.ncnn.param", converted / "model.ncnn.bin"
if not parameters.exists():
    converted.mkdir(exist_ok=True)
    source = converted / "model.onnx"
    source.write_bytes(pathlib.Path(work.onnx).read_bytes())
    shape = ",".join(map(str, (1, *images.shape[1:])))
    pnnx = pathlib.Path(sys.executable).parent / "pnnx"
    subprocess.run([str(pnnx), str(source), f"inputshape=[{shape}]", "fp16=0"], check=True, stdout=sys.stderr)
    source.unlink()
net = ncnn.Net()
net.opt.num_threads = work.threads
net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = net.opt.use_bf16_storage = False
net.load_param(str(parameters))
net.load_model(str(weights))
[taken], [given] = net.input_names(), net.output_names()
inputs = [ncnn.Mat(image) for image in images]


def call() -> list[ncnn.Mat]:
    answers = []
    for image in inputs:
        extractor = net.create_extractor()
        extractor.input(taken, image)
        answers.append(extractor.extract(given)[1])
    return answers


work.serve(np.concatenate([np.array(answer).ravel() for answer in call()]), call)
