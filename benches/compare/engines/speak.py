"""The protocol between an engine and the comparison: the same lines as `rust/speak`.

An engine loads the model of a folder, writes its first outputs to a file, and prints `ready`. Then it times its call for each line
`go SECONDS` that it reads, until its standard input ends.
"""

import json
import pathlib
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

# Small, so that neither the weights nor the speed change noticeably in thousands of steps.
RATE = 1e-3
# Number of steps whose losses are compared.
LOSSES = 3


@dataclass
class Job:
    """The job that the command line describes."""

    folder: pathlib.Path
    trains: bool
    batch: int
    threads: int
    answers: pathlib.Path

    @property
    def onnx(self) -> str:
        return str(self.folder / "model.onnx")

    def labels(self) -> np.ndarray:
        return np.array((self.folder / "labels.txt").read_text().split(), np.int64)[: self.batch]

    def images(self) -> np.ndarray:
        """Reads the images of a call, channels first, or rows of features."""
        shape = json.loads((self.folder / "facts.json").read_text())["input"]
        return np.fromfile(self.folder / "images.f32", np.float32).reshape(-1, *shape)[: self.batch]

    def serve(self, answers: np.ndarray, call: Callable[[], object]) -> None:
        """Serves until standard input ends. `answers` are the outputs of the first call, or the losses of the first steps."""
        np.ascontiguousarray(answers, np.float32).tofile(self.answers)
        say("ready")
        for line in sys.stdin:
            say(measure(float(line.removeprefix("go ")), call))

    def serve_fastest(self, variants: list[Callable[[], tuple[np.ndarray, Callable[[], object]]]]) -> None:
        """Serves the fastest variant of an engine. Each returns its first outputs and a call; one that fails is left out."""
        found, failure = [], None
        for make in variants:
            try:
                answers, call = make()
                found.append((float(measure(0.3, call).split()[0]), answers, call))
            except Exception as error:  # any failure of a variant leaves the others to try
                failure = error
        if not found:
            raise failure
        _, answers, call = min(found, key=lambda variant: variant[0])
        self.serve(answers, call)


def job() -> Job:
    """Parses the command line."""
    folder, mode, batch, threads, answers = sys.argv[1:]
    return Job(pathlib.Path(folder), mode == "train", int(batch), int(threads), pathlib.Path(answers))


def say(line: str) -> None:
    # Output of libraries goes to standard error: see `quietly`.
    PIPE.write(line + "\n")
    PIPE.flush()


def measure(long: float, call: Callable[[], object]) -> str:
    """Returns the median and best seconds of a call, after one warm-up call. A warm-up call that takes the whole turn is the only one measured."""
    start = time.perf_counter()
    call()
    first = time.perf_counter() - start
    if first >= long:
        return f"{first:e} {first:e} 1"
    start, times = time.perf_counter(), []
    while len(times) < 3 or time.perf_counter() - start < long:
        turn = time.perf_counter()
        call()
        times.append(time.perf_counter() - turn)
    return f"{statistics.median_low(times):e} {min(times):e} {len(times)}"


def quietly():
    """Reserves standard output for the protocol and redirects the output of libraries, which may write to it, to standard error."""
    import os

    pipe = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return pipe


PIPE = quietly()
