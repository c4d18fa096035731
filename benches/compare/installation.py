"""Installs engines one by one. An engine that cannot be installed is left out, with the reason."""

import pathlib
import subprocess
import sys
import tomllib
import venv
from collections.abc import Callable
from dataclasses import dataclass, field

HERE = pathlib.Path(__file__).resolve().parent
TARGET = HERE.parent.parent / "target" / "compare"
PYTHON = TARGET / "venv" / "bin" / "python"
BUILT = TARGET / "build" / "release"
MANIFEST = HERE / "rust" / "Cargo.toml"


@dataclass(frozen=True)
class Engine:
    """An engine, and the command that starts it."""

    name: str
    title: str
    # Packages of PyPI, the first of which is the engine; empty for an engine in Rust.
    packages: tuple[str, ...] = ()
    # Packages that are installed without their dependencies, which are not needed here.
    alone: tuple[str, ...] = ()
    # The package of crates.io, for an engine in Rust.
    crate: str = ""
    trains: bool = False

    @property
    def command(self) -> list[str]:
        if self.packages:
            return [str(PYTHON), "-m", "engines", self.name]
        return [str(BUILT / f"compare-{self.name}")]

    def takes(self, trains: bool) -> bool:
        return self.trains or not trains


NETWRIGHT = Engine("netwright", "netwright", trains=True)
ENGINES = [
    NETWRIGHT,
    Engine("onnxruntime", "ONNX Runtime", ("onnxruntime",)),
    Engine("mnn", "MNN", ("MNN",)),
    Engine("ncnn", "ncnn", ("ncnn",), ("pnnx",)),
    Engine("openvino", "OpenVINO", ("openvino",)),
    Engine("torch", "PyTorch", ("torch",), trains=True),
    Engine("tensorflow", "TensorFlow", ("tensorflow-cpu",), trains=True),
    Engine("jax", "JAX", ("jax",), trains=True),
    Engine("tract", "tract", crate="tract-onnx"),
    Engine("rten", "rten", crate="rten"),
    Engine("candle", "candle", crate="candle-core", trains=True),
    Engine("burn", "burn", crate="burn", trains=True),
]


@dataclass
class Installed:
    """The versions of the engines that can run, and the reasons why the others cannot."""

    versions: dict[str, str] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)


def last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip()[:300] if lines else "it failed without a word"


def run(command: list[str], seconds: float) -> str:
    """Runs a command and returns its output. If it fails, raises `RuntimeError` with its last line of errors."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"not installed within {seconds:.0f} s") from None
    except OSError as error:
        raise RuntimeError(str(error)) from None
    if done.returncode != 0:
        errors = [line for line in done.stderr.splitlines() if line.startswith(("error", "ERROR"))]
        raise RuntimeError(errors[0] if errors else last_line(done.stderr))
    return done.stdout


def install_package(engine: Engine, seconds: float) -> str:
    """Installs an engine from PyPI, unless it is installed. Returns its version."""
    if not PYTHON.exists():
        venv.create(PYTHON.parent.parent, with_pip=True)
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run([*pip, "numpy", "onnx", *engine.packages], seconds)
    if engine.alone:
        run([*pip, "--no-deps", *engine.alone], seconds)
    name = engine.packages[0]
    return run([str(PYTHON), "-c", f"from importlib.metadata import version; print(version({name!r}))"], 60).strip()


def build_package(package: str, seconds: float) -> None:
    """Builds a program of the workspace `rust`, on one core and with the lowest priority."""
    cargo = ["nice", "-n", "19", "cargo", "build", "--release", "--jobs", "1", "--quiet"]
    run([*cargo, "--manifest-path", str(MANIFEST), "--target-dir", str(BUILT.parent), "--package", package], seconds)


def build(engine: Engine, seconds: float) -> str:
    """Builds an engine in Rust. Returns its version."""
    build_package(f"compare-{engine.name}", seconds)
    if engine is NETWRIGHT:
        return run(["git", "-C", str(HERE), "describe", "--always", "--dirty"], 60).strip()
    packages = tomllib.loads(MANIFEST.with_name("Cargo.lock").read_text())["package"]
    return next(package["version"] for package in packages if package["name"] == engine.crate)


def install(engines: list[Engine], seconds: float, log: Callable[[str], None]) -> Installed:
    """Installs the engines that can be installed."""
    installed = Installed()
    for engine in engines:
        log(f"installing {engine.title}")
        try:
            made = install_package(engine, seconds) if engine.packages else build(engine, seconds)
        except RuntimeError as error:
            installed.failures[engine.name] = str(error)
            log(f"  left out: {error}")
        else:
            installed.versions[engine.name] = made
    if sys.platform != "linux":
        log("engines cannot be pinned to processors here")
    return installed
