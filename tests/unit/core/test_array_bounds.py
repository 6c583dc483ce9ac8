"""Packed arrays: data that declare too large a size are refused without allocating it."""

import json
import tracemalloc
import zlib

import numpy as np
import pytest

from core import arrays
from core.arrays import LARGEST, pack, unpack


def packed(*header: list, bodies: bytes) -> bytes:
    packed_header = zlib.compress(json.dumps(header).encode())
    return len(packed_header).to_bytes(4) + packed_header + bodies


@pytest.fixture
def memory_limit():
    """Fails the test if it allocates more than 50 MB at once."""
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
@pytest.mark.usefixtures("memory_limit")
def test_an_array_unlike_its_header_is_refused(header, bodies):
    with pytest.raises(ValueError, match="damaged"):
        unpack(packed(header, bodies=bodies))


@pytest.mark.usefixtures("memory_limit")
def test_an_invalid_header_is_refused():
    with pytest.raises(ValueError, match="damaged"):
        unpack(len(BLANKS).to_bytes(4) + BLANKS)


def test_an_array_of_the_largest_size_is_read(monkeypatch):
    monkeypatch.setattr(arrays, "LARGEST", 2**20)
    assert unpack(pack({"x": np.arange(2.0**17)}))["x"][-1] == 2**17 - 1
    with pytest.raises(ValueError, match="1048584 bytes"):
        unpack(pack({"x": np.arange(2.0**17 + 1)}))
