"""Hashes that equal experiments share: SHA-256 of the spec's canonical JSON (RFC 8785).

The spec is validated and its defaults are filled. ``setup_hash`` leaves out the seeds, so that
tables can group seeds of one set-up; ``spec_hash`` includes them, sorted. Name, tags and notes
enter neither.
"""

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache

import rfc8785

from core.spec.experiment import METADATA, ExperimentSpec

RESULTS_VERSION = 2
"""Incremented when the same spec would give other numbers, so that old results aren't reused.

2: ``sharpness`` is of the whole Hessian; version 1 gave ``gauss_newton_sharpness`` by that name.
"""

_LARGEST_EXACT_INTEGER = 2**53 - 1

_MAX_CACHED_CHARACTERS = 2000
"""Longest part whose canonical JSON is cached: most specs differ from others in one part only."""


def setup_hash(spec: ExperimentSpec) -> str:
    """Returns 64 hex digits, equal for specs that differ only in seeds and metadata."""
    return hashes(spec)[0]


def spec_hash(spec: ExperimentSpec) -> str:
    """Returns 64 hex digits, equal for specs that differ only in metadata or order of seeds."""
    return hashes(spec)[1]


def hashes(spec: ExperimentSpec) -> tuple[str, str]:
    """Returns :func:`setup_hash` and :func:`spec_hash`, which share most of their work."""
    parts = {name: part for name, part in spec if name not in METADATA and name != "seeds"}
    setup = {name: _member(name, part.model_dump_json()) for name, part in parts.items()}
    setup["results_version"] = _member("results_version", str(RESULTS_VERSION))
    seeds = _member("seeds", json.dumps(sorted(spec.seeds)))
    return _digest(setup), _digest({**setup, "seeds": seeds})


def _digest(members: Mapping[str, bytes]) -> str:
    """Hashes the object with these members, which RFC 8785 sorts by name."""
    return hashlib.sha256(
        b"{%b}" % b",".join(members[name] for name in sorted(members))
    ).hexdigest()


def _member(name: str, text: str) -> bytes:
    return (_encode_cached if len(text) <= _MAX_CACHED_CHARACTERS else _encode)(name, text)


def _encode(name: str, text: str) -> bytes:
    """Encodes a member of an object as canonical JSON; no name needs escaping."""
    value = rfc8785.dumps(_exact(json.loads(text)))  # type: ignore[arg-type]  # JSON by construction
    return b'"%b":%b' % (name.encode(), value)


_encode_cached = lru_cache(maxsize=1024)(_encode)


def _exact(value: object) -> object:
    """Turns integers above 2^53 - 1, which RFC 8785 can't hold, into decimal strings."""
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
