"""The cursor: every place comes back exactly, everything else is refused and nothing crashes."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.cursor import decode, encode
from store.errors import BadCursor

ids = st.uuids().map(lambda uuid: f"exp_{uuid.hex}")


@given(st.floats(allow_nan=False, allow_infinity=False), ids)
def test_a_place_comes_back_exactly(created_at, experiment_id):
    assert decode(encode(created_at, experiment_id)) == (created_at, experiment_id)


@given(st.text() | st.binary().map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_whatever_is_not_a_cursor_is_refused(text):
    with pytest.raises(BadCursor):
        decode(text)


ID = "exp_" + "0" * 32


@pytest.mark.parametrize(
    "place",
    [
        f"nan {ID}",
        f"inf {ID}",
        f"1 {ID}",
        f"1_0.0 {ID}",
        f" 1.0 {ID}",
        f"1.0  {ID}",
        f"1.0 {ID}\n",
        f"1.0 {ID} x",
        "1.0 exp_\0",
        "1.0",
        ID,
        "[" * 100_000,
        "1" * 100_000,
    ],
)
def test_what_only_looks_like_a_place_is_refused(place):
    with pytest.raises(BadCursor, match="'next'"):
        decode(base64.urlsafe_b64encode(place.encode()).decode())
