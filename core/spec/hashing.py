"""Names for equal experiments: SHA-256 over the canonical JSON (RFC 8785) of the validated, defaults-filled spec.

``setup_hash`` leaves out seeds, so that tables group seeds of one set-up; ``spec_hash`` has them, sorted.
Name, tags and notes are in neither.
"""

import hashlib

import rfc8785

from core.spec.experiment import METADATA, ExperimentSpec

RESULTS_VERSION = 1
"""Raised when the same spec would give other numbers: old results are then no longer reused for new submissions."""

_LARGEST_EXACT_INTEGER = 2**53 - 1


def setup_hash(spec: ExperimentSpec) -> str:
    """64 hex digits that are equal for specs that differ at most in seeds and metadata."""
    return _digest(_setup(spec))


def spec_hash(spec: ExperimentSpec) -> str:
    """64 hex digits that are equal for specs that differ at most in metadata and the order of the seeds."""
    return _digest({**_setup(spec), "seeds": sorted(spec.seeds)})


def _setup(spec: ExperimentSpec) -> dict[str, object]:
    return {**spec.model_dump(mode="json", exclude={*METADATA, "seeds"}), "results_version": RESULTS_VERSION}


def _digest(content: dict[str, object]) -> str:
    return hashlib.sha256(rfc8785.dumps(_exact(content))).hexdigest()  # type: ignore[arg-type]  # JSON by construction


def _exact(value: object) -> object:
    """RFC 8785 holds integers only up to 2^53 - 1; larger seeds are hashed as their decimal string."""
    if isinstance(value, dict):
        return {key: _exact(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_exact(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > _LARGEST_EXACT_INTEGER:
        return str(value)
    return value
