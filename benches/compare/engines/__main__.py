"""Runs an engine."""

import importlib
import sys

# Imported first, because libraries can write to standard output.
from . import speak  # noqa: F401

importlib.import_module(f".{sys.argv.pop(1)}", __package__)
