"""Rows of a table: dictionaries that a notebook shows as a table and pandas as a data frame."""

from typing import Any

from core.result import METRICS
from extrapolab.client.answers import notebook
from extrapolab.models.base import MAX_WIDTH, shorten

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

    def __repr__(self) -> str:
        """One line; printed rows are a table."""
        columns = ", ".join(self[0]) if self else "nothing"
        return shorten(f"<Rows: {len(self)} of {columns}", MAX_WIDTH) + ">"

    def __str__(self) -> str:
        """The first rows, with aligned columns."""
        if not self:
            return "no rows"
        shown = self[: notebook.MAX_ROWS]
        columns = [[name, *(notebook.cell(row.get(name)) for row in shown)] for name in self[0]]
        widths = [max(map(len, column)) for column in columns]
        lines = [
            "  ".join(map(str.ljust, line, widths)).rstrip() for line in zip(*columns, strict=True)
        ]
        more = [f"and {len(self) - len(shown)} more"] if len(self) > len(shown) else []
        return "\n".join([*lines, *more])

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
