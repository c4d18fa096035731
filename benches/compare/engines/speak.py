"""How an engine speaks with the comparison: the same lines as `rust/speak`.

An engine loads the model of a folder, writes its first answers to a file, says `ready`, and then times its call as often as it is told
`go SECONDS`, until there are no more lines.
"""

import json
import pathlib
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

# Small, so that weights and their speed stay what they are for thousands of steps.
RATE = 1e-3
# Steps whose losses are compared.
LOSSES = 3


@dataclass
class Job:
    """What is asked for."""

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
        """The images of a call, channels first, or rows of features."""
        shape = json.loads((self.folder / "facts.json").read_text())["input"]
        return np.fromfile(self.folder / "images.f32", np.float32).reshape(-1, *shape)[: self.batch]

    def serve(self, answers: np.ndarray, call: Callable[[], object]) -> None:
        """Serves until the lines end. `answers` are those of the first call, or the losses of the first steps."""
        np.ascontiguousarray(answers, np.float32).tofile(self.answers)
        say("ready")
        for line in sys.stdin:
            say(measure(float(line.removeprefix("go ")), call))

    def serve_fastest(self, variants: list[Callable[[], tuple[np.ndarray, Callable[[], object]]]]) -> None:
        """Serves the fastest of an engine's variants, each of which gives its first answers and a call. One that fails is left out."""
        found, failure = [], None
        for make in variants:
            try:
                answers, call = make()
                found.append((float(measure(0.3, call).split()[0]), answers, call))
            except Exception as error:  # whatever a library says of a variant, the others are still to be tried
                failure = error
        if not found:
            raise failure
        _, answers, call = min(found, key=lambda variant: variant[0])
        self.serve(answers, call)


def job() -> Job:
    """The job of the command line."""
    folder, mode, batch, threads, answers = sys.argv[1:]
    return Job(pathlib.Path(folder), mode == "train", int(batch), int(threads), pathlib.Path(answers))


def say(line: str) -> None:
    # What a library prints goes to standard error: see `quietly`.
    PIPE.write(line + "\n")
    PIPE.flush()


def measure(long: float, call: Callable[[], object]) -> str:
    """Median and best seconds of a call, after one that warms up; one that takes the whole turn is measured itself, and alone."""
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
    """Keeps standard output for the comparison alone: some libraries write to it."""
    import os

    pipe = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return pipe


PIPE = quietly()
