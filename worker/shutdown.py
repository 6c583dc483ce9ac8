"""The shutdown pipe from a worker's Celery parent to its slots.

Celery's warm shutdown waits for running tasks and tells them nothing; this pipe tells them to hand
back their work.
"""

from multiprocessing import Pipe


class ShutdownPipe:
    """A pipe that carries no data: a slot stops when the parent closes its end or dies.

    Made before the fork. Each slot calls :meth:`drop_parent_end` once, right after the fork.
    """

    def __init__(self) -> None:
        self._slot_end, self._parent_end = Pipe(duplex=False)

    def request_stop(self) -> None:
        """Parent: asks every slot to hand back its work. Idempotent and safe in signal handlers."""
        self._parent_end.close()

    def drop_parent_end(self) -> None:
        """Slot: closes its copy of the parent's end, which would keep the pipe open."""
        self._parent_end.close()

    @property
    def stop_requested(self) -> bool:
        """Whether the parent has requested a stop or died."""
        return self._slot_end.poll()
