"""Names for equal experiments: SHA-256 over the canonical JSON (RFC 8785) of the validated, defaults-filled spec.

``setup_hash`` leaves out seeds, so that tables group seeds of one set-up; ``spec_hash`` has them, sorted.
Name, tags and notes are in neither.
"""

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache

import rfc8785

from core.spec.experiment import METADATA, ExperimentSpec

RESULTS_VERSION = 1
"""Raised when the same spec would give other numbers: old results are then no longer reused for new submissions."""

_LARGEST_EXACT_INTEGER = 2**53 - 1

_SHORT = 2000
"""Characters of a part up to which its canonical JSON is remembered: most specs differ from others in one part only."""


def setup_hash(spec: ExperimentSpec) -> str:
    """64 hex digits that are equal for specs that differ at most in seeds and metadata."""
    return _digest(_setup(spec))


def spec_hash(spec: ExperimentSpec) -> str:
    """64 hex digits that are equal for specs that differ at most in metadata and the order of the seeds."""
    return _digest({**_setup(spec), "seeds": _canonical(json.dumps(sorted(spec.seeds)))})


def _setup(spec: ExperimentSpec) -> dict[str, bytes]:
    """The parts of a set-up, each as canonical JSON."""
    parts = {name: part for name, part in spec if name not in METADATA and name != "seeds"}
    return {name: _canonical(part.model_dump_json()) for name, part in parts.items()} | {
        "results_version": _canonical(str(RESULTS_VERSION))
    }


def _digest(members: Mapping[str, bytes]) -> str:
    """Of the object with these members, which RFC 8785 writes sorted and with nothing between."""
    written = b",".join(b'"%b":%b' % (name.encode(), value) for name, value in sorted(members.items()))
    return hashlib.sha256(b"{%b}" % written).hexdigest()


def _canonical(text: str) -> bytes:
    return _remembered(text) if len(text) <= _SHORT else _written(text)


def _written(text: str) -> bytes:
    return rfc8785.dumps(_exact(json.loads(text)))  # type: ignore[arg-type]  # JSON by construction


_remembered = lru_cache(maxsize=1024)(_written)


def _exact(value: object) -> object:
    """RFC 8785 holds integers only up to 2^53 - 1; larger seeds are hashed as their decimal string."""
    if isinstance(value, dict):
        return {key: _exact(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_exact(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > _LARGEST_EXACT_INTEGER:
        return str(value)
    return value
