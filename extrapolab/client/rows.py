"""Rows of a table: dictionaries that a notebook shows as a table and pandas as a data frame."""

from typing import Any

from core.result import METRICS
from extrapolab.client import notebook

_WORDS = frozenset({"NaN", "Infinity", "-Infinity"})


def as_number(column: str, value: Any) -> Any:
    """Returns a value of a column; the word for a number that is not finite becomes the number."""
    is_metric = column in METRICS or column.endswith(")")
    return float(value) if is_metric and value in _WORDS else value


class Rows(list[dict[str, Any]]):
    """Rows with the same columns.

    Example:
        >>> by, numbers = ["training.length"], {"metrics": ["fit_error"], "statistic": ["median"]}
        >>> rows = lab.table("tag:figure-1", by=by, **numbers)
        >>> rows[0]["training.length"], rows[0]["seeds"]
        (6, 3)
        >>> rows.to_pandas().shape
        (1, 8)
    """

    def _repr_html_(self) -> str:
        """Returns the first rows for a notebook."""
        return notebook.table(self)

    def to_pandas(self) -> Any:
        """Returns a ``pandas.DataFrame``. Needs pandas."""
        import pandas  # noqa: PLC0415  # an optional dependency

        return pandas.DataFrame(self)

    def to_polars(self) -> Any:
        """Returns a ``polars.DataFrame``. Needs polars."""
        import polars  # noqa: PLC0415  # an optional dependency

        return polars.DataFrame(self, infer_schema_length=None)
