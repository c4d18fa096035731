"""OpenVINO, in single precision."""

import numpy as np
import openvino

from .speak import job

work = job()
core = openvino.Core()
model = core.read_model(work.onnx)
images = work.images()
model.reshape(list(images.shape))
settings = {
    "INFERENCE_NUM_THREADS": work.threads,
    "NUM_STREAMS": 1,
    "PERFORMANCE_HINT": "LATENCY",
    "INFERENCE_PRECISION_HINT": "f32",
    "ENABLE_CPU_PINNING": False,
}
request = core.compile_model(model, "CPU", settings).create_infer_request()
request.set_input_tensor(openvino.Tensor(images, shared_memory=True))
request.infer()
work.serve(np.array(request.get_output_tensor().data), request.infer)
