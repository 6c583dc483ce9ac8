"""What a lab found: comparisons, figures, and the names that can be asked about."""

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from extrapolab.client.experiment import save_figure
from extrapolab.client.figure import Figure, FigureRecord
from extrapolab.client.query import Query
from extrapolab.client.rows import Rows
from extrapolab.client.transport import LARGEST_PAGE, Transport
from extrapolab.models.experiments import Comparison, ComparisonFigure, QueryField


class Findings:
    """The part of a lab's door that looks at many experiments at once."""

    _transport: Transport

    def compare(self, *ids: str) -> Comparison:
        """Experiments side by side: the fields of their specs that differ, and what their runs ended with.

        Raises:
            NotFound: The lab has no such experiment.
            Refused: They are fewer than two, or too many.
        """
        return Comparison.read(self._transport.get("/v1/compare", {"ids": ",".join(ids)}))

    def compare_figure(
        self, name: ComparisonFigure, *ids: str, path: str | Path | None = None
    ) -> Path:
        """Writes a picture of experiments over each other to a file, whose ending chooses the format.

        Args:
            name: ``response`` or ``training``; ``response_ratio`` and ``training_ratio`` are over
                the first.
            ids: The experiments.
            path: Where to; ``NAME.svg`` here where it is left out.

        Returns:
            The path of the file.
        """
        target = Path(path or f"{name}.svg")
        return save_figure(
            self._transport, f"/v1/compare/figures/{name}", target, {"ids": ",".join(ids)}
        )

    def table(
        self,
        q: str | None = None,
        *,
        by: Iterable[str] = ("setup_hash",),
        metrics: Iterable[str] | None = None,
        statistic: Iterable[str] | None = None,
        group: bool = True,
        limit: int | None = None,
    ) -> Rows:
        """What the runs of all completed experiments that a filter finds ended with: seeds are an axis.

        Args:
            q: The filter; all of them where left out.
            by: Fields that the runs of a group share, such as ``student.start.scale``; all but the
                seed by default.
            metrics: Such as ``extrapolation_error``; the lab's choice where left out.
            statistic: Among median, q1, q3, mean, min, max and standard_error; all of them where
                left out.
            group: ``False`` gives a row for each run instead: its fields, seed, outcome and
                metrics.
            limit: At most so many rows; all of them where left out.

        Raises:
            Refused: The filter isn't understood, or a name is unknown.

        Example:
            >>> frame = lab.table("tag:figure-1", by=["training.length"], metrics=["fit_error"]).to_pandas()
            >>> frame[["training.length", "seeds", "diverged"]]
               training.length  seeds  diverged
            0                6      3         0
        """
        return Query(self._transport, q, limit=limit).table(by, metrics, statistic, group=group)

    def cancel(self, q: str, expect_count: int) -> dict[str, str]:
        """Cancels every experiment that a filter finds and that has not ended; their states then, by id.

        Args:
            q: The filter.
            expect_count: How many you think that they are.

        Raises:
            Refused: The filter isn't understood.
            Conflict: They are more, or fewer. Nothing is cancelled.
        """
        body = {"q": q, "expect_count": expect_count}
        answer = self._transport.post("/v1/experiments:cancel", body)
        return {item["id"]: item["state"] for item in answer["items"]}

    def fields(self) -> list[QueryField]:
        """The names that filters can ask about."""
        return [QueryField.read(item) for item in self._transport.items("/v1/fields")]

    def figure(self, query: str = "", *, x: str, **parts: Any) -> Figure:
        """A figure over what a filter finds; nothing is asked before it is drawn or saved.

        Args:
            query: The filter; all experiments where it is left out.
            x: A field, such as ``training.length``; or ``step``, ``lag`` or ``rank`` for whole
                curves.
            parts: ``y`` (a metric), ``series`` and ``facets`` (fields), ``kind`` (``lines`` or
                ``heatmap``), ``statistic`` (median, mean, q1, q3, min, max), ``band`` (quartiles,
                range, standard_error, none), ``x_scale`` and ``y_scale`` (auto, linear, log),
                ``name``.

        Example:
            >>> data = lab.figure("tag:figure-1", x="step", y="fit_error").data()
            >>> [line["y"][-1] < 0.1 for line in data["panels"][0]["lines"]]
            [True]
        """
        return Figure(self._transport, {"query": query, "x": x, **parts})

    def figure_of(self, id: str) -> Figure:  # noqa: A002  # the lab's word
        """The saved figure of this id.

        Raises:
            NotFound: The lab has none.
        """
        return Figure(
            self._transport,
            FigureRecord.read(self._transport.get(f"/v1/figures/{quote(id, safe='')}")),
        )

    def figures(self, *, limit: int | None = None) -> Iterator[Figure]:
        """Saved figures, the newest first, asked for page by page while you iterate."""
        size = LARGEST_PAGE if limit is None else min(limit, LARGEST_PAGE)
        for item in itertools.islice(self._transport.items("/v1/figures", {"limit": size}), limit):
            yield Figure(self._transport, FigureRecord.read(item))
