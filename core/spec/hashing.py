"""Names for equal experiments: SHA-256 over the canonical JSON (RFC 8785) of the validated, defaults-filled spec.

``setup_hash`` leaves out seeds, so that tables group seeds of one set-up; ``spec_hash`` has them,
sorted. Name, tags and notes are in neither.
"""

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache

import rfc8785

from core.spec.experiment import METADATA, ExperimentSpec

RESULTS_VERSION = 1
"""Raised when the same spec would give other numbers: old results are then no longer reused for new
submissions."""

_LARGEST_EXACT_INTEGER = 2**53 - 1

_SHORT = 2000
"""Characters of a part up to which its canonical JSON is remembered: most specs differ from others
in one part only."""


def setup_hash(spec: ExperimentSpec) -> str:
    """64 hex digits that are equal for specs that differ at most in seeds and metadata."""
    return hashes(spec)[0]


def spec_hash(spec: ExperimentSpec) -> str:
    """64 hex digits that are equal for specs that differ at most in metadata and the order of the seeds."""
    return hashes(spec)[1]


def hashes(spec: ExperimentSpec) -> tuple[str, str]:
    """:func:`setup_hash` and :func:`spec_hash` of a spec, which share most of their work."""
    parts = {name: part for name, part in spec if name not in METADATA and name != "seeds"}
    setup = {name: _member(name, part.model_dump_json()) for name, part in parts.items()}
    setup["results_version"] = _member("results_version", str(RESULTS_VERSION))
    seeds = _member("seeds", json.dumps(sorted(spec.seeds)))
    return _digest(setup), _digest({**setup, "seeds": seeds})


def _digest(members: Mapping[str, bytes]) -> str:
    """Of the object with these members, which RFC 8785 sorts by name."""
    return hashlib.sha256(
        b"{%b}" % b",".join(members[name] for name in sorted(members))
    ).hexdigest()


def _member(name: str, text: str) -> bytes:
    return _remembered(name, text) if len(text) <= _SHORT else _written(name, text)


def _written(name: str, text: str) -> bytes:
    """A member of an object in canonical JSON; all names are plain words."""
    value = rfc8785.dumps(_exact(json.loads(text)))  # type: ignore[arg-type]  # JSON by construction
    return b'"%b":%b' % (name.encode(), value)


_remembered = lru_cache(maxsize=1024)(_written)


def _exact(value: object) -> object:
    """RFC 8785 holds integers only up to 2^53 - 1; larger seeds are hashed as their decimal string."""
    if isinstance(value, dict):
        return {key: _exact(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_exact(item) for item in value]
    if (
        isinstance(value, int)
        and not isinstance(value, bool)
        and abs(value) > _LARGEST_EXACT_INTEGER
    ):
        return str(value)
    return value
