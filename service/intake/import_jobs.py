"""Imports, at once or in the background with a state that can be asked for."""

import hashlib
import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from core.errors import Problem, SpecError
from service import schemas
from service.context import AppContext
from service.http import problems
from service.intake import import_file
from store.errors import StoreUnavailable
from store.experiments import import_jobs, imports
from store.experiments.imports import ImportedRuns

PROGRESS_SECONDS = 1.0
"""Time between two records of progress."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class FileImport:
    """A file to import, and who imports it.

    Attributes:
        submitted: The file, and how to read it.
        owner: The importer.
    """

    submitted: schemas.Import
    owner: str

    @property
    def sha256(self) -> str:
        """The digest of the content."""
        return hashlib.sha256(self.submitted.content.encode()).hexdigest()

    @property
    def tag(self) -> str:
        """The tag of all its experiments."""
        return f"import:{self.sha256[:12]}"

    def job_id(self, *, dry_run: bool) -> str:
        """The id of its import in the background: the same for the same file and importer."""
        meaning = [self.submitted.model_dump(mode="json"), self.owner, dry_run]
        return f"imp_{hashlib.sha256(json.dumps(meaning, sort_keys=True).encode()).hexdigest()}"

    def read(self, observe: Callable[[int, int], object] | None = None) -> list[ImportedRuns]:
        """Its experiments; raises SpecError."""
        file, tags = self.submitted, (*self.submitted.tags, self.tag)
        return import_file.read(
            file.file, file.content, file.base, file.columns, tags, observe=observe
        )

    def checked(self, imported: Sequence[ImportedRuns]) -> schemas.Imported:
        """The answer of a dry run."""
        return schemas.Imported.from_record(self.sha256, self.tag, imported, None)

    def store(self, tx: Connection, imported: Sequence[ImportedRuns]) -> tuple[int, dict[str, Any]]:
        """Stores its experiments; the status and content of the answer."""
        file = self.submitted
        meaning = json.dumps([file.base, file.columns], sort_keys=True)
        digest = hashlib.sha256(f"{self.sha256}\0{meaning}".encode()).hexdigest()
        provenance = {"file": file.file, "sha256": self.sha256}
        if file.origin:
            provenance["origin"] = file.origin
        submissions = imports.add(
            tx, imported, digest=digest, owner=self.owner, provenance=provenance
        )
        answer = schemas.Imported.from_record(self.sha256, self.tag, imported, submissions)
        all_reused = all(submission.reused for submission in submissions)
        return 200 if all_reused else 201, answer.model_dump(mode="json")


def run(
    context: AppContext, job_id: str, file: FileImport, request_id: str, *, dry_run: bool
) -> None:
    """Imports a file in the background; every end is kept as the state of its job.

    Without the database nothing is kept, and the job is soon taken for lost.
    """
    at = time.monotonic()
    rows: import_jobs.Rows = 0, None

    def observe(done: int, of: int) -> None:
        nonlocal at, rows
        rows = done, of
        if time.monotonic() - at >= PROGRESS_SECONDS:
            at = time.monotonic()
            with context.database.write() as tx:
                import_jobs.record(tx, job_id, rows)

    def end(status: int, answer: Mapping[str, Any]) -> None:
        with context.database.write() as tx:
            import_jobs.record(tx, job_id, rows, (status, answer))

    try:
        try:
            imported = file.read(observe)
            if dry_run:
                end(200, file.checked(imported).model_dump(mode="json"))
                return
            with context.database.write() as tx:
                import_jobs.record(tx, job_id, rows, file.store(tx, imported))
        except SpecError as error:
            end(422, _problem(error, request_id))
        except StoreUnavailable:
            raise
        except Exception as error:
            logger.exception("an import failed")
            end(500, _problem(error, request_id))
    except StoreUnavailable as error:
        logger.warning("an import failed: %s", error)


def _problem(error: Exception, request_id: str) -> dict[str, Any]:
    kind = problems.KINDS.get(type(error), problems.UNEXPECTED)
    message = f"internal error; the service's log has the details under {request_id}"
    given = list(getattr(error, "problems", ())) or [Problem("", kind.name, message)]
    answer: dict[str, Any] = json.loads(problems.to_json(kind, given, request_id))
    return answer
