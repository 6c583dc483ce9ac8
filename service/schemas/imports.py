"""Schemas of imports: a file of runs that were computed elsewhere, and its experiments."""

from collections.abc import Sequence
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, ConfigDict, Field

from core.spec.bounds import Bounded, ClientModel, refuse_longer
from core.spec.experiment import Tag
from core.spec.part import Line
from service.address import at
from service.schemas.base import Answer
from service.schemas.problem import Problem
from store.experiments import import_jobs
from store.experiments.import_jobs import JobState
from store.experiments.imports import ImportedRuns
from store.records import Submission

MAX_COLUMNS = 1_000
"""Most columns of a file."""


def _refuse_many(given: Any) -> Any:
    if isinstance(given, dict):
        refuse_longer(len(given), MAX_COLUMNS)
    return given


class Import(ClientModel):
    """A file of runs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: Annotated[Line, Field(min_length=1, max_length=200)] = Field(
        description="Name of the file, ending in .csv, .json or .ndjson."
    )
    content: str = Field(description="Content of the file, as text.")
    base: dict[str, Any] = Field(
        default={},
        description="What all rows have in common: parts of a spec, or columns by name.",
    )
    columns: Annotated[
        dict[str, str | None], Field(max_length=MAX_COLUMNS), BeforeValidator(_refuse_many)
    ] = Field(
        default={},
        description="Meaning of columns with other names, such as `{'loss': 'train_loss'}`; "
        "null ignores a column.",
    )
    origin: Annotated[Line, Field(max_length=500)] = Field(
        default="",
        description="Where and how the runs were computed, in words; kept as provenance.",
    )
    tags: Annotated[tuple[Tag, ...], Field(max_length=50), Bounded()] = ()


class ImportedExperiment(Answer):
    """An experiment of an imported file."""

    id: str | None = Field(description="Null in a dry run.")
    seeds: int
    reused: bool = Field(description="True if the same file was imported before.")


class ImportLinks(Answer):
    """URL of the list of imported experiments."""

    self_: str = Field(alias="self")


class Imported(Answer):
    """The experiments of an imported file."""

    sha256: str = Field(description="SHA-256 of the content in UTF-8.")
    tag: str = Field(description="A tag that all its experiments have.")
    experiments: list[ImportedExperiment]
    links: ImportLinks

    @classmethod
    def from_record(
        cls,
        sha256: str,
        tag: str,
        imported: Sequence[ImportedRuns],
        submissions: Sequence[Submission] | None,
    ) -> Self:
        """The answer for a file's experiments; ``submissions`` is None in a dry run."""
        stored: Sequence[Submission | None] = submissions or [None] * len(imported)
        experiments = [
            ImportedExperiment(
                id=submission and submission.id,
                seeds=len(experiment.runs),
                reused=submission is not None and submission.reused,
            )
            for experiment, submission in zip(imported, stored, strict=True)
        ]
        links = ImportLinks(self=at(f"/v1/experiments?tag={tag}"))
        return cls(sha256=sha256, tag=tag, experiments=experiments, links=links)


class ImportJob(Answer):
    """An import in the background."""

    id: str
    state: JobState = Field(
        description="`refused` and `failed` have a `problem`, unless the service ended meanwhile: "
        "then send the file again, which imports nothing twice."
    )
    done: int = Field(description="Rows that are read.")
    of: int | None = Field(description="Rows of the file; null until they are counted.")
    imported: Imported | None = None
    problem: Problem | None = None
    links: ImportLinks

    @classmethod
    def from_record(cls, job: import_jobs.ImportJob) -> Self:
        """The answer for a job of the store."""
        is_imported = job.state is JobState.IMPORTED
        return cls(
            id=job.id,
            state=job.state,
            done=job.done,
            of=job.of,
            imported=Imported.model_validate(job.answer) if is_imported else None,
            problem=None if is_imported or job.answer is None else Problem(**job.answer),
            links=ImportLinks(self=at(f"/v1/imports/{job.id}")),
        )


class ImportLimits(Answer):
    """The largest file that can be imported."""

    max_bytes: int = Field(description="Bytes of the request: the file as JSON text, and the rest.")
    max_rows: int
    max_columns: int
    max_experiments: int
    formats: list[str] = Field(description="Extensions of files.")
