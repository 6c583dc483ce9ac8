"""A handle on a figure of the experiments that match a filter, drawn by the lab from a recipe."""

from datetime import datetime
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote, urlencode

from extrapolab.client.answers import notebook
from extrapolab.client.answers.files import in_query, save_figure
from extrapolab.client.connection.transport import Parameters, Transport
from extrapolab.models.base import Record
from extrapolab.suggestions import Suggesting


class FigureRecord(Record):
    """A saved figure as the lab last reported it."""

    id: str
    owner: str = ""
    created_at: datetime
    recipe: dict[str, Any]


class Figure(Suggesting):
    """A recipe, saved or not. It is drawn again each time, so it changes as results arrive.

    Example:
        >>> parts = {"x": "training.length", "y": "fit_error", "name": "Error against k"}
        >>> figure = lab.figure("tag:figure-1", **parts)
        >>> figure.draw("error.pdf").name
        'error.pdf'
        >>> saved = figure.save()
        >>> lab.figure_of(saved.id).recipe["statistic"]
        'median'

    Attributes:
        recipe: Its parts, with their defaults once it is saved.
        id: Its id, ``fig_...``, once it is saved.
    """

    def __init__(self, transport: Transport, source: dict[str, Any] | FigureRecord) -> None:
        self.recipe = source.recipe if isinstance(source, FigureRecord) else source
        self.id = source.id if isinstance(source, FigureRecord) else None
        self._transport = transport

    def __repr__(self) -> str:
        title = self.recipe.get("name") or self.recipe.get("query") or "all experiments"
        return f"<Figure {self.id or 'not saved'}, {title}>"

    def _repr_html_(self) -> str:
        """Returns the figure for a notebook."""
        title = self.recipe.get("name") or self.recipe.get("query") or "All experiments"
        address, parameters = self._source
        picture = notebook.picture(self._transport, f"{address}.svg", parameters)
        return notebook.page(self.page, title, self.id or "", "", picture)

    @property
    def page(self) -> str:
        """The address of its page in the lab, where one that is not saved can be."""
        if self.id is None:
            parts = in_query(self.recipe).items()
            given = {name: value for name, value in parts if value is not None}
            return f"{self._transport.url}/figures?{urlencode(given)}"
        return f"{self._transport.url}/figures/{quote(self.id, safe='')}"

    def draw(self, /, path: str | Path, **options: Any) -> Path:
        """Writes it to a file, whose extension chooses the format (.svg, .pdf, .png, .json, .txt).

        In the style ``paper``, its caption is written beside it, as .txt.

        Args:
            path: The file.
            options: Parts of the look of this drawing, such as ``style="talk"``, which aren't
                saved; they come before those of the recipe.

        Raises:
            Refused: The recipe or an option is not valid; the error's ``problems`` say which.
            Conflict: No experiment that it could show is completed yet.
        """
        address, parameters = self._source
        style = self.recipe.get("style", "screen")
        return save_figure(self._transport, address, Path(path), {**parameters, **options}, style)

    def data(self) -> dict[str, Any]:
        """Its numbers and caption, and the hashes of the specs that they come from."""
        address, parameters = self._source
        content: dict[str, Any] = self._transport.get(f"{address}.json", parameters)
        return content

    def save(self) -> Self:
        """Saves it in the lab under a permanent id; does nothing if it is saved already.

        Raises:
            Refused: The recipe is not valid.
        """
        if self.id is None:
            self._update(self._transport.create("/v1/figures", self.recipe))
        return self

    def change(self, /, **parts: Any) -> Self:
        """Changes parts of the recipe, here and in the lab if it is saved; None removes a part.

        Example:
            >>> saved = lab.figure("tag:figure-1", x="training.length").save()
            >>> saved.change(statistic="mean", band="standard_error").recipe["band"]
            'standard_error'
        """
        if self.id is None:
            merged = {**self.recipe, **parts}
            self.recipe = {name: value for name, value in merged.items() if value is not None}
        else:
            self._update(self._transport.patch(self._path, parts))
        return self

    def remove(self) -> None:
        """Deletes it from the lab. The experiments that it shows stay."""
        if self.id is not None:
            self._transport.delete(self._path)
            self.id = None

    def _update(self, answer: Any) -> None:
        record = FigureRecord.read(answer)
        self.id, self.recipe = record.id, record.recipe

    @property
    def _source(self) -> tuple[str, Parameters]:
        """The address that draws it, without an extension, and the parameters."""
        if self.id is None:
            return "/v1/figures/preview", in_query(self.recipe)
        return self._path, {}

    @property
    def _path(self) -> str:
        return f"/v1/figures/{quote(self.id or '', safe='')}"
