"""MNN, in full single precision (`precision` high), by its session interface."""

import pathlib
import subprocess
import sys

import numpy as np
import MNN

from .speak import job

work = job()
converted = work.folder / "model.mnn"
if not converted.exists():
    command = [str(pathlib.Path(sys.executable).parent / "mnnconvert"), "-f", "ONNX", "--modelFile", work.onnx]
    subprocess.run([*command, "--MNNModel", str(converted), "--bizCode", "compare"], check=True, stdout=sys.stderr)
images = work.images()
interpreter = MNN.Interpreter(str(converted))
session = interpreter.createSession({"backend": "CPU", "numThread": work.threads, "precision": "high"})
taken = interpreter.getSessionInput(session)
interpreter.resizeTensor(taken, images.shape)
interpreter.resizeSession(session)
given = interpreter.getSessionOutput(session)
layout = MNN.Tensor_DimensionType_Caffe
image_tensor = MNN.Tensor(images.shape, MNN.Halide_Type_Float, images, layout)
answer_tensor = MNN.Tensor(given.getShape(), MNN.Halide_Type_Float, np.zeros(given.getShape(), np.float32), layout)


def call() -> None:
    taken.copyFrom(image_tensor)
    interpreter.runSession(session)
    given.copyToHostTensor(answer_tensor)


call()
work.serve(np.array(answer_tensor.getNumpyData()), call)
