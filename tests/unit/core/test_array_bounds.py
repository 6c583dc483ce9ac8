"""Packed arrays: what claims too much is refused before anything of that size is made."""

import json
import tracemalloc
import zlib

import numpy as np
import pytest

from core import arrays
from core.arrays import LARGEST, pack, unpack


def packed(*header: list, bodies: bytes) -> bytes:
    described = zlib.compress(json.dumps(header).encode())
    return len(described).to_bytes(4) + described + bodies


@pytest.fixture
def frugal():
    """Fails the test where more than 50 MB were made at once."""
    tracemalloc.start()
    yield
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 50e6


BOMB, BLANKS = zlib.compress(bytes(10**8)), zlib.compress(b" " * 10**8)


@pytest.mark.parametrize(
    ("header", "bodies"),
    [
        (["x", "<f8", [10**10 // 8], len(BOMB)], BOMB),
        (["x", "<f8", [10**6], len(BOMB)], BOMB),
        (["x", "<f8", [2**62], len(BOMB)], BOMB),
        (["x", "<f8", [-1], len(BOMB)], BOMB),
        (["x", "<f8", [10**7, 0], len(BOMB)], BOMB),
        (["x", "|S9999999999", [1], len(BOMB)], BOMB),
        (["x", "<f8", [LARGEST // 8 + 1], 0], b""),
        (["x", "<f8", [3], 4], zlib.compress(bytes(24))[:-4]),
        (["x", "<f8", [3], 8, 1], bytes(8)),
        (["x", "<f8", [3], 40], zlib.compress(bytes(16))),
    ],
)
@pytest.mark.usefixtures("frugal")
def test_an_array_that_is_not_what_it_claims_is_refused(header, bodies):
    with pytest.raises(ValueError, match="damaged"):
        unpack(packed(header, bodies=bodies))


@pytest.mark.usefixtures("frugal")
def test_so_is_a_header_that_is_no_header():
    with pytest.raises(ValueError, match="damaged"):
        unpack(len(BLANKS).to_bytes(4) + BLANKS)


def test_the_largest_array_that_is_allowed_is_read(monkeypatch):
    monkeypatch.setattr(arrays, "LARGEST", 2**20)
    assert unpack(pack({"x": np.arange(2.0**17)}))["x"][-1] == 2**17 - 1
    with pytest.raises(ValueError, match="1048584 bytes"):
        unpack(pack({"x": np.arange(2.0**17 + 1)}))
