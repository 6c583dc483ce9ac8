"""Provenance of an experiment's numbers: software, machine and device. Only trainers import it."""

import hashlib
import importlib.metadata
import logging
import platform
import shutil
import subprocess
from functools import cache
from pathlib import Path

import numba
import numpy as np
import torch

from core.spec import RESULTS_VERSION, ExperimentSpec

_SOURCE = Path(__file__).resolve().parent.parent

GIT_SECONDS = 10.0
"""Longest wait for Git, in seconds; it can be slow on a network disk."""

logger = logging.getLogger(__name__)


def provenance(spec: ExperimentSpec, device: str) -> dict[str, str]:
    """Versions, machine, device, threads and number format: all that a result's bytes depend on."""
    return {
        **_software(),
        "host": platform.node(),
        "cpu": _cpu_model(),
        "instruction_set": torch.backends.cpu.get_cpu_capability(),
        "threads": str(torch.get_num_threads()),
        "device": torch.cuda.get_device_name() if device == "cuda" else "cpu",
        "dtype": spec.numerics.dtype,
    }


@cache
def _software() -> dict[str, str]:
    versions = {
        "extrapolab": _version(),
        "results_version": str(RESULTS_VERSION),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "numba": numba.__version__,
    }
    versions["training"] = _digest_of(_SOURCE / "core" / "training")
    commit = _commit()
    return {**versions, "commit": commit} if commit else versions


def _digest_of(folder: Path) -> str:
    """Hex digits, equal for the same source files: other sources may round differently."""
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*.py")):
        digest.update(file.relative_to(folder).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


def _version() -> str:
    try:
        return importlib.metadata.version("extrapolab")
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _commit() -> str | None:
    """The Git commit of a source checkout, with ``-dirty`` if tracked files differ from it.

    ``None`` without a checkout, and if Git fails: no experiment fails for that.
    """
    git = shutil.which("git")
    if git is None or not (_SOURCE / ".git").exists():
        return None
    command = [
        git,
        "-C",
        str(_SOURCE),
        "describe",
        "--always",
        "--dirty",
        "--abbrev=40",
        "--exclude=*",
    ]
    try:
        described = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=GIT_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        logger.warning("the commit of %s is unknown: %s", _SOURCE, error)
        return None
    return described.stdout.strip() or None


@cache
def _cpu_model() -> str:
    """The processor's model name, from /proc on Linux."""
    file = Path("/proc/cpuinfo")
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())
