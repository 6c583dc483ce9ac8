"""What a lab found: comparisons, figures, and the names that can be asked about."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from extrapolab.experiment import save_figure
from extrapolab.figure import Figure, FigureRecord
from extrapolab.records import Comparison, ComparisonFigure, QueryField
from extrapolab.transport import LARGEST_PAGE, Transport


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

    def compare_figure(self, name: ComparisonFigure, *ids: str, path: str | Path | None = None) -> Path:
        """Writes a picture of experiments over each other to a file, whose ending chooses the format.

        Args:
            name: ``response`` or ``training``; ``response_ratio`` and ``training_ratio`` are over the first.
            ids: The experiments.
            path: Where to; ``NAME.svg`` here where it is left out.

        Returns:
            The path of the file.
        """
        target = Path(path or f"{name}.svg")
        return save_figure(self._transport, f"/v1/compare/figures/{name}", target, {"ids": ",".join(ids)})

    def fields(self) -> list[QueryField]:
        """The names that filters can ask about."""
        return [QueryField.read(item) for item in self._transport.items("/v1/fields")]

    def figure(self, query: str = "", *, x: str, **parts: Any) -> Figure:
        """A figure over what a filter finds; nothing is asked before it is drawn or saved.

        Args:
            query: The filter; all experiments where it is left out.
            x: A field, such as ``training.length``; or ``step``, ``lag`` or ``rank`` for whole curves.
            parts: ``y`` (a metric), ``series`` and ``facets`` (fields), ``kind`` (``lines`` or ``heatmap``),
                ``statistic`` (median, mean, q1, q3, min, max), ``band`` (quartiles, range, standard_error, none),
                ``x_scale`` and ``y_scale`` (auto, linear, log), ``name``.

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
        return Figure(self._transport, FigureRecord.read(self._transport.get(f"/v1/figures/{quote(id, safe='')}")))

    def figures(self, *, limit: int | None = None) -> Iterator[Figure]:
        """Saved figures, the newest first, asked for page by page while you iterate."""
        size = LARGEST_PAGE if limit is None else min(limit, LARGEST_PAGE)
        for item in itertools.islice(self._transport.items("/v1/figures", {"limit": size}), limit):
            yield Figure(self._transport, FigureRecord.read(item))
