"""The process of an engine: started, stopped, resumed for each measurement, ended. Only one process runs at a time."""

import array
import os
import pathlib
import re
import selectors
import signal
import subprocess
import time
from dataclasses import dataclass

# A line of a Rust backtrace: `  10: _start`, or the location below it.
FRAME = re.compile(r"\s*(\d+: |at )")


class Failed(Exception):
    """An engine ended, did not answer in time, or answered incorrectly."""


@dataclass
class Timing:
    """Seconds per call in one round."""

    median: float
    best: float
    calls: int


class Session:
    """An engine that has loaded a model, pinned to processors."""

    def __init__(self, command: list[str], cwd: pathlib.Path, processors: list[int], answers: pathlib.Path, log: pathlib.Path):
        # Libraries that engines use read their thread counts from these variables.
        settings = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS", "RTEN_NUM_THREADS"]
        threads = {name: str(len(processors)) for name in settings}
        answers.unlink(missing_ok=True)
        self.answers, self.log, self.pending = answers, log, b""
        self.started = time.monotonic()
        with log.open("wb") as errors:
            try:
                self.process = subprocess.Popen(
                    command,
                    cwd=cwd,
                    env=os.environ | threads,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    preexec_fn=lambda: os.sched_setaffinity(0, processors),
                )
            except OSError as error:
                raise Failed(f"not started: {error.strerror}") from None

    def line(self, seconds: float) -> str:
        """Returns the next line of output, or raises `Failed` after `seconds`."""
        deadline = time.monotonic() + seconds
        pipe = self.process.stdout
        with selectors.DefaultSelector() as selector:
            selector.register(pipe, selectors.EVENT_READ)
            while b"\n" not in self.pending:
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    raise Failed(f"no answer within {seconds:.0f} s")
                read = os.read(pipe.fileno(), 4096)
                if not read:
                    raise Failed(self.last_words())
                self.pending += read
        line, self.pending = self.pending.split(b"\n", 1)
        return line.decode()

    def last_words(self) -> str:
        code = self.process.wait()
        lines = [line for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
        # A backtrace follows its error.
        lines = [line for line in lines if not FRAME.match(line)]
        return f"ended with {code}: {lines[-1].strip() if lines else 'without a word'}"[:300]

    def ready(self, seconds: float) -> array.array:
        """Waits until the engine is ready. Returns its first outputs."""
        if self.line(seconds) != "ready":
            raise Failed("it did not say `ready`")
        try:
            return array.array("f", self.answers.read_bytes())
        except (OSError, ValueError):
            raise Failed("it said `ready` without whole answers") from None

    def measure(self, long: float, seconds: float) -> Timing:
        """Times calls for `long` seconds. The process is stopped before and after."""
        self.process.send_signal(signal.SIGCONT)
        self.process.stdin.write(f"go {long}\n".encode())
        self.process.stdin.flush()
        median, best, calls = self.line(seconds).split()
        self.sleep()
        return Timing(float(median), float(best), int(calls))

    def sleep(self) -> None:
        """Stops the process, so that threads that spin while they wait do not disturb other engines."""
        self.process.send_signal(signal.SIGSTOP)

    def peak_megabytes(self) -> float | None:
        """Returns the peak memory of the process, where the system reports it."""
        try:
            status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        except OSError:
            return None
        # An ended process has no such line.
        most = [line for line in status.splitlines() if line.startswith("VmHWM")]
        return int(most[0].split()[1]) * 1024 / 1e6 if most else None

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
