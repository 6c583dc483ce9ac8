"""Changes to many experiments of a lab at once."""

from collections.abc import Iterable
from typing import Any

from extrapolab.client.reader import LabReader
from extrapolab.client.requests.references import References, ids_of


class Changed(dict[str, str]):
    """The states of changed experiments by id, ``deleted`` for those that are gone.

    Attributes:
        refused: Why other selected experiments were left as they are, by id.
    """

    def __init__(self, answer: Any) -> None:
        super().__init__((item["id"], item["state"] or "deleted") for item in answer["items"])
        self.refused: dict[str, str] = {
            item["id"]: item["reason"] for item in answer.get("refused", ())
        }


class LabWithBulkChanges(LabReader):
    """A lab whose experiments are changed many at a time.

    Each method takes either a filter and the number of its matches that the action concerns, or
    ids. It raises Refused if the filter or a value is not valid, and Conflict, with nothing
    changed, if the number is another.
    """

    def cancel(
        self,
        q: str | None = None,
        expect_count: int | None = None,
        *,
        ids: References | None = None,
    ) -> Changed:
        """Cancels experiments that have not ended.

        Args:
            q: The filter.
            expect_count: Number of its matches that have not ended.
            ids: Whole ids of at most 500 experiments, in place of a filter.

        Returns:
            Their states after that, by id; ``refused`` has the reasons of the others.

        Raises:
            Refused: The filter is not valid.
            Conflict: It matches another number of experiments. Nothing is cancelled.
        """
        return self._change("cancel", q, expect_count, ids)

    def retry(
        self,
        q: str | None = None,
        expect_count: int | None = None,
        *,
        ids: References | None = None,
        max_seconds: float | None = None,
        max_memory_mb: int | None = None,
    ) -> Changed:
        """Queues failed and cancelled experiments again; the rest as of :meth:`cancel`.

        Args:
            q: The filter.
            expect_count: Number of its matches that failed or were cancelled.
            ids: In place of a filter.
            max_seconds: New limit on the seconds of training of each, counted anew; None keeps the
                old ones.
            max_memory_mb: New limit on the memory of a trainer.
        """
        given = {"max_seconds": max_seconds, "max_memory_mb": max_memory_mb}
        limits = {name: limit for name, limit in given.items() if limit is not None}
        return self._change("retry", q, expect_count, ids, **limits)

    def pause(
        self,
        q: str | None = None,
        expect_count: int | None = None,
        *,
        ids: References | None = None,
    ) -> Changed:
        """Pauses queued and running experiments; arguments as of :meth:`cancel`."""
        return self._change("pause", q, expect_count, ids)

    def resume(
        self,
        q: str | None = None,
        expect_count: int | None = None,
        *,
        ids: References | None = None,
    ) -> Changed:
        """Queues paused experiments again; arguments as of :meth:`cancel`."""
        return self._change("resume", q, expect_count, ids)

    def delete(
        self,
        q: str | None = None,
        expect_count: int | None = None,
        *,
        ids: References | None = None,
    ) -> Changed:
        """Deletes ended experiments permanently; arguments as of :meth:`cancel`."""
        return self._change("delete", q, expect_count, ids)

    def prioritise(
        self,
        q: str | None = None,
        expect_count: int | None = None,
        *,
        priority: int,
        ids: References | None = None,
    ) -> Changed:
        """Sets the priority of queued and paused experiments; the rest as of :meth:`cancel`.

        Args:
            q: The filter.
            expect_count: Number of its matches that are queued or paused.
            priority: From -100 to 100; higher is sooner.
            ids: In place of a filter.
        """
        return self._change("prioritise", q, expect_count, ids, priority=priority)

    def tag(
        self,
        q: str | None = None,
        expect_count: int | None = None,
        *,
        add: Iterable[str] = (),
        remove: Iterable[str] = (),
        ids: References | None = None,
    ) -> Changed:
        """Adds tags to experiments and removes others; the rest as of :meth:`cancel`.

        Args:
            q: The filter.
            expect_count: Number of its matches.
            add: Tags to add.
            remove: Tags to remove.
            ids: In place of a filter.

        Example:
            >>> ids = [experiment.id for experiment in lab.query("tag:figure-1")]
            >>> [*lab.tag("tag:figure-1", len(ids), add=["paper"]).values()]
            ['completed']
        """
        return self._change("tag", q, expect_count, ids, add=[*add], remove=[*remove])

    def _change(
        self,
        action: str,
        q: str | None,
        expect_count: int | None,
        ids: References | None,
        **values: Any,
    ) -> Changed:
        chosen = {"q": q, "expect_count": expect_count, "ids": None if ids is None else ids_of(ids)}
        body = {name: value for name, value in chosen.items() if value is not None}
        return Changed(self._transport.post(f"/v1/experiments:{action}", {**body, **values}))
