"""The rows of a table: plain dictionaries, which a notebook shows as a table and data frames are made of."""

from typing import Any

from extrapolab.client import notebook


class Rows(list[dict[str, Any]]):
    """Rows with the same columns.

    Example:
        >>> rows = lab.table("tag:figure-1", by=["training.length"], metrics=["fit_error"], statistic=["median"])
        >>> rows[0]["training.length"], rows[0]["seeds"]
        (6, 3)
        >>> rows.to_pandas().shape
        (1, 7)
    """

    def _repr_html_(self) -> str:
        """What a notebook shows: the first of them."""
        return notebook.table(self)

    def to_pandas(self) -> Any:
        """The rows as a ``pandas.DataFrame``. Needs pandas."""
        import pandas  # noqa: PLC0415  # only of those who have it

        return pandas.DataFrame(self)

    def to_polars(self) -> Any:
        """The rows as a ``polars.DataFrame``. Needs polars."""
        import polars  # noqa: PLC0415  # only of those who have it

        return polars.DataFrame(self, infer_schema_length=None)
