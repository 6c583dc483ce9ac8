"""Saved figures as they travel."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from core.recipe import Recipe
from service.schemas.base import Answer, instant
from store import saved_figures

FORMS = ("svg", "pdf", "png", "json")


class FigureLinks(Answer):
    """Where a saved figure is, and it drawn anew in each format."""

    here: str = Field(alias="self")
    svg: str
    pdf: str
    png: str
    json_: str = Field(alias="json")

    @classmethod
    def of(cls, figure_id: str) -> Self:
        """The links of a figure."""
        here = f"/v1/figures/{figure_id}"
        return cls.model_validate({"self": here, **{form: f"{here}.{form}" for form in FORMS}})


class Figure(Answer):
    """A saved figure: a recipe under a permanent id."""

    id: str
    owner: str
    created_at: datetime
    recipe: Recipe
    links: FigureLinks

    @classmethod
    def of(cls, figure: saved_figures.Figure) -> Self:
        """``figure`` as it travels."""
        created = instant(figure.created_at)
        return cls(
            id=figure.id,
            owner=figure.owner,
            created_at=created,
            recipe=figure.recipe,
            links=FigureLinks.of(figure.id),
        )


class RecipeChange(BaseModel):
    """Parts of a recipe; what is left out stays, and null takes a part away."""

    model_config = ConfigDict(
        frozen=True,
        extra="allow",
        json_schema_extra={"minProperties": 1, "examples": [{"statistic": "mean"}]},
    )

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.model_extra:
            raise PydanticCustomError("empty", "should have a part of a recipe")
        return self
