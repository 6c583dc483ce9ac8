"""Cursors: every position is decoded exactly, and any other text is refused."""

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
values_lists = st.lists(
    st.none() | finite | st.integers() | st.text(st.characters(codec="utf-8")), max_size=4
)


@given(finite, values_lists, ids)
def test_a_position_is_decoded_exactly(at, values, experiment_id):
    position = Position("0" * 16, at, tuple(values), experiment_id)
    assert decode(encode(position)) == position


@given(st.text() | st.binary().map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_arbitrary_text_is_refused(text):
    with pytest.raises(BadCursor):
        decode(text)


def as_json(*parts) -> str:
    return json.dumps(parts, separators=(",", ":"))


@pytest.mark.parametrize(
    "content",
    [
        as_json("x", 1.0, [float("nan")], ID),
        as_json("x", float("inf"), [], ID),
        as_json("x", 1, [], ID),
        as_json("x", True, [], ID),
        as_json("x", 1.0, [[]], ID),
        as_json("x", 1.0, {}, ID),
        as_json("x", 1.0, 3, ID),
        as_json("x", 1.0, [], ID + "\n"),
        as_json("x", 1.0, [], "exp_\0"),
        as_json("x", 1.0, [], None),
        as_json("x", 1.0, []),
        " " + as_json("x", 1.0, [], ID),
        ID,
        "[" * 100_000,
        "1" * 100_000,
    ],
)
def test_a_malformed_position_is_refused(content):
    with pytest.raises(BadCursor, match="'next'"):
        decode(base64.urlsafe_b64encode(content.encode()).decode())
