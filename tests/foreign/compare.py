"""Checks models that netwright wrote with ONNX's checker, and compares their outputs with ONNX Runtime's: `compare.py FOLDER...`.

Each folder has folders with `model.onnx`, `beside.onnx`, `image.f32` and `answer.f32`, as `tests/support/written.rs` writes them.
"""

import pathlib
import sys

import numpy as np
import onnx
import onnxruntime

LIMIT = 1e-5


def difference(folder):
    """Returns the largest difference of an output, relative to the largest element."""
    image = np.fromfile(folder / "image.f32", np.float32)
    answer = np.fromfile(folder / "answer.f32", np.float32)
    worst = 0.0
    for file in ["model.onnx", "beside.onnx"]:
        onnx.checker.check_model(folder / file, full_check=True)
        session = onnxruntime.InferenceSession(folder / file)
        [taken] = session.get_inputs()
        batch = image.reshape(1, *taken.shape[1:])
        [found] = session.run(None, {taken.name: np.concatenate([batch, batch])})
        for row in found.reshape(2, -1):
            worst = max(worst, np.abs(row - answer).max() / max(1e-30, np.abs(answer).max()))
    return worst


failed = 0
for folder in map(pathlib.Path, sys.argv[1:]):
    worst = 0.0
    for case in sorted(path for path in folder.iterdir() if path.is_dir()):
        try:
            found = difference(case)
        except Exception as error:  # the error of one file must not skip the others
            print(f"{case.name}: {error}")
            failed += 1
            continue
        worst = max(worst, found)
        if not found <= LIMIT:
            print(f"{case.name}: differs by {found:.2g}")
            failed += 1
    print(f"{folder.name}: {len(list(folder.iterdir()))} models, the largest difference is {worst:.2g}")
sys.exit(1 if failed else 0)
