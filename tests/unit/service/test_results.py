"""Series as files: thinning, and exact numbers in CSV."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from service.exports.encoding import encode
from service.exports.series import evenly_spaced
from store.query.export_rows import Column
from store.query.fields import Kind


@given(st.lists(st.integers(0, 30), max_size=5), st.integers(2, 12))
def test_thinning_keeps_the_first_and_last_point_of_each_seed(counts, max_points):
    seeds = np.repeat(np.arange(len(counts)), counts)
    kept = evenly_spaced(seeds, max_points)
    assert np.all(np.diff(kept) > 0)
    for seed, count in enumerate(counts):
        rows = kept[seeds[kept] == seed] - sum(counts[:seed])
        assert len(rows) == min(count, max_points)
        if count:
            assert (rows[0], rows[-1]) == (0, count - 1)


def csv_of(**columns):
    file_columns = [
        Column(name, Kind.WHOLE if values.dtype.kind == "i" else Kind.REAL)
        for name, values in columns.items()
    ]
    return b"".join(encode("csv", file_columns, [columns])).decode()


@given(st.lists(st.floats(), max_size=20))
def test_numbers_are_read_back_from_csv_exactly(values):
    header, *rows = csv_of(seed=np.arange(len(values)), x=np.array(values)).splitlines()
    assert header == "seed,x"
    for row, value in zip(rows, values, strict=True):
        read = float(row.split(",")[1])
        assert read == value or (math.isnan(read) and math.isnan(value))


def test_non_finite_numbers_are_the_same_words_in_csv_as_in_json():
    assert csv_of(x=np.array([np.nan, np.inf, -np.inf])).split() == [
        "x",
        "NaN",
        "Infinity",
        "-Infinity",
    ]
