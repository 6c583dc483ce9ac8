"""Packed arrays: exact for every length, and readable as earlier versions packed them."""

import json
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from core.arrays import pack, unpack

DTYPES = ("<f8", "<f4", "<i8", "|b1", "<u2")
SHAPES = arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=12)


@given(
    st.lists(st.sampled_from(DTYPES).flatmap(lambda kind: arrays.arrays(kind, SHAPES)), max_size=4)
)
def test_packing_preserves_every_bit(values):
    named = {f"{number}/x": array for number, array in enumerate(values)}
    unpacked = unpack(pack(named))
    assert list(unpacked) == list(named)
    for name, array in named.items():
        assert (unpacked[name].dtype, unpacked[name].shape) == (array.dtype, array.shape)
        assert unpacked[name].tobytes() == array.tobytes()


@pytest.mark.parametrize("length", [63, 64, 65, 1000])
def test_named_arrays_are_unpacked_without_the_others(length):
    data = pack({"a": np.zeros(length), "b": np.arange(length, dtype=float), "c": np.ones(3)})
    unpacked = unpack(data, only=["b"])
    assert list(unpacked) == ["b"]
    assert unpacked["b"].tolist() == list(range(length))
    unpacked["b"][0] = 7.0  # writable


def test_arrays_packed_by_an_earlier_version_are_read():
    values = np.array([0.1 + 0.2, np.nan, -0.0])
    body = zlib.compress(values.tobytes(), 1)
    header = zlib.compress(json.dumps([["x", "<f8", [3], len(body)]]).encode(), 1)
    assert (
        unpack(b"".join([len(header).to_bytes(4), header, body]))["x"].tobytes() == values.tobytes()
    )


@pytest.mark.parametrize("length", [3, 1000])
def test_damaged_bytes_are_refused(length):
    data = pack({"x": np.zeros(length)})
    with pytest.raises(ValueError, match="damaged"):
        unpack(data[:-5])
