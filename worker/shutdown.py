"""The leash from a worker's Celery parent to its slots: when it breaks, they hand back what they are doing and stop.

Celery's warm shutdown waits for running tasks and tells them nothing; this tells them.
"""

from multiprocessing import Pipe


class Leash:
    """A pipe that nobody writes to: made before the fork, it breaks for every slot when the parent lets go of its end.

    It also breaks when the parent dies. A slot calls :meth:`take` once, right after the fork.
    """

    def __init__(self) -> None:
        self._end, self._hand = Pipe(duplex=False)

    def let_go(self) -> None:
        """Parent: every slot is to hand back its work.

        May be called again, and in a signal handler.
        """
        self._hand.close()

    def take(self) -> None:
        """Slot: drops the parent's end, which the fork copied; otherwise the leash could never break."""
        self._hand.close()

    @property
    def broken(self) -> bool:
        """Whether the parent has let go."""
        return self._end.poll()
