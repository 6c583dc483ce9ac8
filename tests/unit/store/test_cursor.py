"""The cursor: every place comes back exactly, everything else is refused and nothing crashes."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.errors import BadCursor
from store.query.cursor import Position, decode, encode

ID = "exp_" + "0" * 32
ids = st.uuids().map(lambda uuid: f"exp_{uuid.hex}")
finite = st.floats(allow_nan=False, allow_infinity=False)
places = st.lists(
    st.none() | finite | st.integers() | st.text(st.characters(codec="utf-8")), max_size=4
)


@given(finite, places, ids)
def test_a_place_comes_back_exactly(at, place, experiment_id):
    mark = Position("0" * 16, at, tuple(place), experiment_id)
    assert decode(encode(mark)) == mark


@given(st.text() | st.binary().map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_whatever_is_not_a_cursor_is_refused(text):
    with pytest.raises(BadCursor):
        decode(text)


def written(*parts) -> str:
    return json.dumps(parts, separators=(",", ":"))


@pytest.mark.parametrize(
    "place",
    [
        written("x", 1.0, [float("nan")], ID),
        written("x", float("inf"), [], ID),
        written("x", 1, [], ID),
        written("x", True, [], ID),
        written("x", 1.0, [[]], ID),
        written("x", 1.0, {}, ID),
        written("x", 1.0, 3, ID),
        written("x", 1.0, [], ID + "\n"),
        written("x", 1.0, [], "exp_\0"),
        written("x", 1.0, [], None),
        written("x", 1.0, []),
        " " + written("x", 1.0, [], ID),
        ID,
        "[" * 100_000,
        "1" * 100_000,
    ],
)
def test_what_only_looks_like_a_place_is_refused(place):
    with pytest.raises(BadCursor, match="'next'"):
        decode(base64.urlsafe_b64encode(place.encode()).decode())
