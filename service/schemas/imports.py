"""Runs that were computed elsewhere: the file that is sent, and what it became."""

from collections.abc import Sequence
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field

from core.spec.experiment import Tag
from core.spec.part import Line
from service.schemas.base import Answer
from store.experiments.imports import ImportedRuns
from store.records import Submission


class Import(BaseModel):
    """A file of runs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: Annotated[Line, Field(min_length=1, max_length=200)] = Field(
        description="Its name; it ends in .csv, .json or .ndjson."
    )
    content: str = Field(description="What it holds, as text.")
    base: dict[str, Any] = Field(
        default={},
        description="What all rows have in common: parts of a spec, or columns by their names.",
    )
    columns: dict[str, str | None] = Field(
        default={},
        description="What columns of other names mean, such as `{'loss': 'train_loss'}`; null: nothing.",
    )
    origin: Annotated[Line, Field(max_length=500)] = Field(
        default="",
        description="Where and with what they were computed, in words; it is kept as provenance.",
    )
    tags: Annotated[tuple[Tag, ...], Field(max_length=50)] = ()


class ImportedExperiment(Answer):
    """One experiment of a file."""

    id: str | None = Field(description="Null in a dry run.")
    seeds: int
    reused: bool = Field(description="It was imported from the same file before.")


class ImportLinks(Answer):
    """Where they are."""

    here: str = Field(alias="self")


class Imported(Answer):
    """What became of a file."""

    sha256: str = Field(description="Of its content in UTF-8.")
    tag: str = Field(description="A tag of all its experiments.")
    experiments: list[ImportedExperiment]
    links: ImportLinks

    @classmethod
    def of(
        cls,
        sha256: str,
        tag: str,
        found: Sequence[ImportedRuns],
        submissions: Sequence[Submission] | None,
    ) -> Self:
        """What is in the file, and what it became; None where nothing was stored."""
        stored: Sequence[Submission | None] = submissions or [None] * len(found)
        experiments = [
            ImportedExperiment(
                id=made and made.id, seeds=len(one.runs), reused=bool(made and made.reused)
            )
            for one, made in zip(found, stored, strict=True)
        ]
        links = ImportLinks.model_validate({"self": f"/v1/experiments?tag={tag}"})
        return cls(sha256=sha256, tag=tag, experiments=experiments, links=links)
