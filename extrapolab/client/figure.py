"""A handle on a figure over whatever a filter finds: a recipe, drawn by the lab from what is completed."""

import uuid
from datetime import datetime
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

from extrapolab.client import notebook
from extrapolab.client.experiment import save_figure
from extrapolab.client.transport import Parameters, Transport
from extrapolab.models.experiments import Record


class FigureRecord(Record):
    """A saved figure as the lab knows it."""

    id: str
    owner: str = ""
    created_at: datetime
    recipe: dict[str, Any]


class Figure:
    """A recipe, saved or not. It is drawn anew each time, so that it changes as results land.

    Example:
        >>> figure = lab.figure("tag:figure-1", x="training.length", y="fit_error", name="Error against k")
        >>> figure.draw("error.pdf").name
        'error.pdf'
        >>> saved = figure.save()
        >>> lab.figure_of(saved.id).recipe["statistic"]
        'median'

    Attributes:
        recipe: Its parts; where it is saved, with their defaults.
        id: Its id, ``fig_...``, once it is saved.
    """

    def __init__(self, transport: Transport, known: dict[str, Any] | FigureRecord) -> None:
        self.recipe = known.recipe if isinstance(known, FigureRecord) else known
        self.id = known.id if isinstance(known, FigureRecord) else None
        self._transport = transport

    def __repr__(self) -> str:
        return f"<Figure {self.id or 'not saved'}, {self.recipe.get('name') or self.recipe.get('query') or 'all'}>"

    def _repr_html_(self) -> str:
        """What a notebook shows: the figure."""
        title = self.recipe.get("name") or self.recipe.get("query") or "All experiments"
        return notebook.page(
            title, self.id or "", "", notebook.picture(self._transport, *self._drawn(".svg"))
        )

    def draw(self, path: str | Path) -> Path:
        """Writes it to a file, whose ending chooses the format (.svg, .pdf, .png, .json).

        Raises:
            Refused: The recipe isn't understood; the error's ``problems`` name its parts.
            Conflict: Nothing that it could show is completed yet.
        """
        address, parameters = self._drawn("")
        return save_figure(self._transport, address, Path(path), parameters)

    def data(self) -> dict[str, Any]:
        """Its numbers, with its caption and the hashes of the specs that they come from."""
        content: dict[str, Any] = self._transport.get(*self._drawn(".json"))
        return content

    def save(self) -> Self:
        """Keeps it in the lab under an id that stays; what is saved is left as it is.

        Raises:
            Refused: The recipe isn't understood.
        """
        if self.id is None:
            self._note(
                self._transport.post("/v1/figures", self.recipe, idempotency_key=uuid.uuid4().hex)
            )
        return self

    def change(self, /, **parts: Any) -> Self:
        """Gives it other parts; None takes one away.

        Of a saved one the lab's recipe is changed, too.

        Example:
            >>> saved = lab.figure("tag:figure-1", x="training.length").save()
            >>> saved.change(statistic="mean", band="standard_error").recipe["band"]
            'standard_error'
        """
        if self.id is None:
            merged = {**self.recipe, **parts}
            self.recipe = {name: value for name, value in merged.items() if value is not None}
        else:
            self._note(self._transport.patch(self._path, parts))
        return self

    def remove(self) -> None:
        """Removes it from the lab. What it shows stays."""
        if self.id is not None:
            self._transport.delete(self._path)
            self.id = None

    def _note(self, answer: Any) -> None:
        record = FigureRecord.read(answer)
        self.id, self.recipe = record.id, record.recipe

    def _drawn(self, ending: str) -> tuple[str, Parameters]:
        """Where it is drawn, and with which parameters."""
        return (
            ("/v1/figures/preview" + ending, self.recipe)
            if self.id is None
            else (self._path + ending, {})
        )

    @property
    def _path(self) -> str:
        return f"/v1/figures/{quote(self.id or '', safe='')}"
