"""Schemas of saved figures."""

from typing import Self

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from core.recipe import Recipe
from core.spec.bounds import ClientModel
from service.address import at
from service.schemas.base import Answer, Time
from store import saved_figures

FORMATS = ("svg", "pdf", "png", "json", "txt")


class FigureLinks(Answer):
    """URLs of a saved figure's recipe, and of its drawing in each format."""

    self_: str = Field(alias="self")
    svg: str
    pdf: str
    png: str
    json_: str = Field(alias="json")
    txt: str

    @classmethod
    def for_figure(cls, figure_id: str) -> Self:
        """The links of the figure with this id."""
        path = at(f"/v1/figures/{figure_id}")
        return cls(self=path, **{name: f"{path}.{name}" for name in FORMATS})


class Figure(Answer):
    """A saved figure: a recipe with a permanent id."""

    id: str
    owner: str
    created_at: Time
    recipe: Recipe
    links: FigureLinks

    @classmethod
    def from_record(cls, figure: saved_figures.Figure) -> Self:
        """The answer for a saved figure."""
        return cls(
            id=figure.id,
            owner=figure.owner,
            created_at=figure.created_at,
            recipe=figure.recipe,
            links=FigureLinks.for_figure(figure.id),
        )


class RecipeChange(ClientModel):
    """New values for fields of a recipe; fields left out keep theirs, null removes one."""

    model_config = ConfigDict(
        frozen=True,
        extra="allow",
        json_schema_extra={"minProperties": 1, "examples": [{"statistic": "mean"}]},
    )

    @model_validator(mode="after")
    def _require_a_change(self) -> Self:
        if not self.model_extra:
            raise PydanticCustomError("empty", "should have a field of a recipe")
        return self
