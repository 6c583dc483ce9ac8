"""Series as files: thinning, and exact numbers in CSV."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from service.exports.encoding import encode
from service.exports.series import thinned
from store.query.export_rows import Column
from store.query.fields import Kind


@given(st.lists(st.integers(0, 30), max_size=5), st.integers(2, 12), st.randoms())
def test_thinning_keeps_ends_and_the_range_of_each_seed(counts, max_points, random):
    count = sum(counts)
    columns = {
        "seed": np.repeat(np.arange(len(counts)), counts),
        "step": np.concatenate([np.empty(0, int), *map(np.arange, counts)]),
        "fit_error": np.array([random.random() for _ in range(count)]),
        "response": np.arange(count * 6.0).reshape(count, 3, 2, 1),
    }
    kept = thinned(columns, max_points)
    for seed, steps in enumerate(counts):
        rows = kept["seed"] == seed
        errors = columns["fit_error"][columns["seed"] == seed]
        assert rows.sum() <= max_points
        assert rows.sum() == steps or steps > max_points
        if steps:
            assert kept["step"][rows][[0, -1]].tolist() == [0, steps - 1]
            assert max_points < 4 or kept["fit_error"][rows].max() == errors.max()
            assert kept["fit_error"][rows].tolist() == errors[kept["step"][rows]].tolist()
    assert kept["response"].shape == (len(kept["seed"]), 3, 2, 1)


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
