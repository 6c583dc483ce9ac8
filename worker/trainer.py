"""The trainer: a process that trains one experiment after another for its slot.

The only one that loads torch.

``python -m worker.trainer FD``, where FD is an inherited socket to the slot
(:mod:`worker.messages`). It ends when the slot does: on Linux the kernel sees to it, elsewhere it
finds the socket closed between two slices of training.
"""

import contextlib
import ctypes
import logging
import signal
import sys
import threading
import time
import traceback
from multiprocessing.connection import Connection

import torch

from core.arrays import pack, unpack
from core.errors import ExtrapolabError
from core.spec import ExperimentSpec, Numerics
from core.training import State, advance, begin, cancel, finish, flush, resume, snapshot
from store.settings import Settings
from worker.messages import (
    Advanced,
    Cancel,
    Failed,
    Finished,
    Pause,
    Paused,
    Ready,
    Train,
    receive,
    send,
    unpack_inherited,
)
from worker.provenance import provenance
from worker.settings import WorkerSettings

SLICE_SECONDS = 0.2
FLUSH_SECONDS = 0.5
FIRST_NEWS_SECONDS = 0.1
"""Who ends before has no news but the end: for an experiment of some milliseconds they cost as much
as its training."""

CHECKPOINT_SHARE = 0.05
"""The share of the time that checkpoints may take: where they are large, they become rare."""

SMALLEST = ExperimentSpec.model_validate(
    {
        "teacher": {"kind": "memoryless"},
        "student": {"kind": "linear", "dim": 1},
        "training": {"length": 1},
    }
)
SMALLEST_NETWORK = ExperimentSpec.model_validate(
    {
        "teacher": {"kind": "gru", "dim": 1},
        "student": {"kind": "gru", "dim": 1},
        "training": {"length": 1},
    }
)

logger = logging.getLogger(__name__)


class Report:
    """What the slot gets to hear of a training under way: progress and points often, checkpoints now and then."""

    def __init__(self, connection: Connection, state: State, checkpoint_seconds: float) -> None:
        self._connection, self._checkpoint_seconds = connection, checkpoint_seconds
        self._first, self._began = state.step, time.monotonic()
        self._flush_at = self._began + FIRST_NEWS_SECONDS
        self._checkpoint_at = self._began + min(FLUSH_SECONDS, checkpoint_seconds)

    def send_if_due(self, state: State) -> State:
        """Tells of the state when it is time to; returns the state without the points that were told."""
        now = time.monotonic()
        if now < min(self._flush_at, self._checkpoint_at):
            return state
        return self.send(state, with_checkpoint=now >= self._checkpoint_at)

    def send(self, state: State, *, with_checkpoint: bool) -> State:
        """Tells of the state; returns the state without the points that were told."""
        started = time.monotonic()
        state, points = flush(state)
        checkpoint = pack(snapshot(state)) if with_checkpoint else None
        rate = (state.step - self._first) / (started - self._began)
        send(
            self._connection,
            Advanced(state.step, state.spec.optimizer.steps, rate, pack(points), checkpoint),
        )
        ended = time.monotonic()
        self._flush_at = ended + FLUSH_SECONDS
        if with_checkpoint:
            self._checkpoint_at = ended + max(
                self._checkpoint_seconds, (ended - started) / CHECKPOINT_SHARE
            )
        return state


def serve(connection: Connection, checkpoint_seconds: float) -> None:
    """Trains what is sent until the slot is gone, which raises EOFError or ConnectionError."""
    advance(
        begin(SMALLEST), 1
    )  # compiles the loops, or reads them from disk: the first experiment need not wait
    provenance(SMALLEST, "cpu")  # asks Git now, once for all, and not while an experiment ends
    send(connection, Ready())
    threading.Thread(target=_compile_the_others, daemon=True).start()
    while True:
        order = receive(connection)
        if not isinstance(order, Train):
            continue  # a Cancel or Pause that crossed the end of its training
        try:
            train(connection, order, checkpoint_seconds)
        except (EOFError, ConnectionError):
            raise
        except Exception as error:  # noqa: BLE001  # whatever training raises ends the experiment, and is told
            send(connection, Failed(*_explained(error), traceback.format_exc()))


def _compile_the_others() -> None:
    """Networks, and single precision, as long as nobody asks for them; the next trainer reads them from disk."""
    single = {"numerics": Numerics(dtype="float32")}
    for spec in (
        SMALLEST_NETWORK,
        SMALLEST.model_copy(update=single),
        SMALLEST_NETWORK.model_copy(update=single),
    ):
        advance(begin(spec), 1)


def train(connection: Connection, order: Train, checkpoint_seconds: float) -> None:
    """Trains one experiment in slices, listening between them; ends with Finished or Paused."""
    spec = ExperimentSpec.model_validate_json(order.spec)
    inherited = None if order.inherited is None else unpack_inherited(order.inherited)
    if order.checkpoint is None:
        state = begin(spec, order.device, inherited)
    else:
        state = resume(spec, unpack(order.checkpoint), order.device, inherited)
    logger.info("training on %s from step %d of %d", order.device, state.step, spec.optimizer.steps)
    report, steps = Report(connection, state, checkpoint_seconds), 1
    while not state.done:
        started = time.monotonic()
        state = advance(state, steps)
        steps = _fitting(steps, time.monotonic() - started)
        state = report.send_if_due(state)
        asked = receive(connection) if connection.poll() else None
        if isinstance(asked, Pause):
            report.send(state, with_checkpoint=True)
            send(connection, Paused())
            return
        if isinstance(asked, Cancel) and not state.done:
            state = cancel(state)
    state, points = flush(state)
    result = finish(state).model_dump_json()
    logger.info("ended at step %d", state.step)
    send(connection, Finished(result.encode(), pack(points), provenance(spec, order.device)))


def _fitting(steps: int, seconds: float) -> int:
    """How many steps fit the next slice, where ``steps`` took ``seconds``.

    No bit of the result depends on it.
    """
    return max(1, min(4 * steps, int(steps * SLICE_SECONDS / max(seconds, 1e-9))))


def _explained(error: Exception) -> tuple[str, str]:
    """The kind of failure and a sentence on it."""
    if isinstance(error, ExtrapolabError):
        return "user", str(error)
    if isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in str(
        error
    ):
        return "out_of_memory", f"Training needs more memory than this machine could give: {error}"
    return (
        "infrastructure",
        f"Training stopped with an error that should not happen, {type(error).__name__}: {error}",
    )


def _die_with_parent() -> None:
    """Has the kernel kill this process when the slot dies, however deep in a computation this one is."""
    if sys.platform == "linux":
        PR_SET_PDEATHSIG = 1
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def main() -> None:
    """Serves the slot at the other end of the socket whose number is the first argument."""
    _die_with_parent()
    logging.Formatter.converter = time.gmtime
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)sZ %(message)s", datefmt="%FT%T"
    )
    if WorkerSettings().device == "cuda" and not torch.cuda.is_available():
        sys.exit(
            "this machine has no CUDA device; EXTRAPOLAB_DEVICE=cpu makes a worker that needs none"
        )
    with contextlib.suppress(
        EOFError, ConnectionError
    ):  # the slot is gone, so there is nobody to train for
        serve(Connection(int(sys.argv[1])), Settings().checkpoint_seconds)


if __name__ == "__main__":
    main()
