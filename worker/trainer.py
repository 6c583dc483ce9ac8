"""The trainer: a process that trains one experiment after another for its slot.

``python -m worker.trainer FD``, where FD is an inherited socket to the slot
(:mod:`worker.messages`). Only trainers load torch. A trainer ends with its slot: on Linux the
kernel kills it, elsewhere it finds the socket closed between two slices of training.
"""

import contextlib
import ctypes
import logging
import signal
import sys
import threading
import time
import traceback
from collections import deque
from multiprocessing.connection import Connection

import torch

from core.arrays import pack, unpack
from core.errors import ExtrapolabError
from core.pulse import heard_by
from core.spec import ExperimentSpec, Numerics
from core.training import State, advance, begin, cancel, finish, flush, resume, snapshot
from store.arrays.packed import pack_points, pack_result
from store.process_log import UtcFormatter, ignore_arithmetic
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
    unpack_initial_parameters,
)
from worker.provenance import provenance
from worker.settings import WorkerSettings

SLICE_SECONDS = 0.2
REPORT_SECONDS = 0.5
FIRST_REPORT_SECONDS = 0.1
"""Shorter trainings report their end only: a report costs as much as training for milliseconds."""

PULSE_SECONDS = 5.0
"""Time between two signs of life from inside a part that takes long, such as a baseline."""

RATED_REPORTS = 20
"""Newest reports over which the speed is taken: about ten seconds."""

CHECKPOINT_SHARE = 0.05
"""The largest share of time spent on checkpoints; large ones are saved less often."""

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


class Speed:
    """Steps a second over the newest reports, so that a stall, as by compiling, is soon forgotten.

    Example:
        >>> speed = Speed(step=0, at=0.0)
        >>> speed.measured(step=10, at=100.0)
        0.1
        >>> [speed.measured(step=10 + 50 * n, at=100.0 + n / 2) for n in range(1, 30)][-1]
        100.0
    """

    def __init__(self, *, step: int, at: float) -> None:
        self._reports = deque([(step, at)], maxlen=RATED_REPORTS)

    def measured(self, *, step: int, at: float) -> float:
        """The rate up to a report, which is remembered."""
        first_step, first_at = self._reports[0]
        self._reports.append((step, at))
        return (step - first_step) / (at - first_at)


class Pulse:
    """Sends progress from inside a part that takes long, and names the part in the log."""

    def __init__(self, connection: Connection, steps: int) -> None:
        self._connection, self._steps = connection, steps
        self._send_at, self._logged = time.monotonic() + PULSE_SECONDS, ""
        self.step = 0

    def __call__(self, part: str) -> None:
        """Sends the step if it is time; the lease and the limits are the slot's."""
        now = time.monotonic()
        if now < self._send_at:
            return
        if part != self._logged:
            logger.info("computing %s at step %d", part, self.step)
            self._logged = part
        send(self._connection, Advanced(self.step, self._steps, None, None, None))
        self._send_at = now + PULSE_SECONDS

    def reached(self, step: int) -> None:
        """A slice has ended, and was reported if it was time."""
        self.step, self._send_at = step, time.monotonic() + PULSE_SECONDS


class ProgressReporter:
    """Sends progress and points often, and checkpoints now and then."""

    def __init__(self, connection: Connection, state: State, checkpoint_seconds: float) -> None:
        self._connection, self._checkpoint_seconds = connection, checkpoint_seconds
        started = time.monotonic()
        self._speed = Speed(step=state.step, at=started)
        self._report_at = started + FIRST_REPORT_SECONDS
        self._checkpoint_at = started + min(REPORT_SECONDS, checkpoint_seconds)

    def send_if_due(self, state: State) -> State:
        """Sends a report if one is due; returns the state without the points that were sent."""
        now = time.monotonic()
        if now < min(self._report_at, self._checkpoint_at):
            return state
        return self.send(state, with_checkpoint=now >= self._checkpoint_at)

    def send(self, state: State, *, with_checkpoint: bool) -> State:
        """Sends a report; returns the state without the points that were sent."""
        started = time.monotonic()
        state, points = flush(state)
        checkpoint = pack(snapshot(state)) if with_checkpoint else None
        rate = self._speed.measured(step=state.step, at=started)
        steps = state.spec.optimizer.steps
        send(self._connection, Advanced(state.step, steps, rate, pack_points(points), checkpoint))
        ended = time.monotonic()
        self._report_at = ended + REPORT_SECONDS
        if with_checkpoint:
            self._checkpoint_at = ended + max(
                self._checkpoint_seconds, (ended - started) / CHECKPOINT_SHARE
            )
        return state


def serve(connection: Connection, checkpoint_seconds: float) -> None:
    """Trains what the slot sends; raises EOFError or ConnectionError once the slot has ended."""
    advance(begin(SMALLEST), 1)  # compiles the loops, or loads them: no experiment waits for it
    provenance(SMALLEST, "cpu")  # runs Git once, before any experiment
    send(connection, Ready())
    threading.Thread(target=_compile_other_loops, daemon=True).start()
    while True:
        message = receive(connection)
        if not isinstance(message, Train):
            continue  # a Cancel or Pause that crossed the end of its training
        try:
            train(connection, message, checkpoint_seconds)
        except (EOFError, ConnectionError):
            raise
        except Exception as error:  # noqa: BLE001  # any error of training ends the experiment
            kind, sentence = classify_error(error)
            send(connection, Failed(kind, sentence, traceback.format_exc()))


def _compile_other_loops() -> None:
    """Compiles the loops of networks and of single precision; the next trainer loads them."""
    single = {"numerics": Numerics(dtype="float32")}
    for spec in (
        SMALLEST_NETWORK,
        SMALLEST.model_copy(update=single),
        SMALLEST_NETWORK.model_copy(update=single),
    ):
        advance(begin(spec), 1)


def train(connection: Connection, request: Train, checkpoint_seconds: float) -> None:
    """Trains one experiment in slices, receiving between them; ends with Finished or Paused."""
    spec = ExperimentSpec.model_validate_json(request.spec)
    pulse = Pulse(connection, spec.optimizer.steps)
    with heard_by(pulse):
        _train(connection, request, spec, pulse, checkpoint_seconds)


def _train(
    connection: Connection,
    request: Train,
    spec: ExperimentSpec,
    pulse: Pulse,
    checkpoint_seconds: float,
) -> None:
    packed = request.initial_parameters
    parameters = None if packed is None else unpack_initial_parameters(packed)
    if request.checkpoint is None:
        state = begin(spec, request.device, parameters)
    else:
        state = resume(spec, unpack(request.checkpoint), request.device, parameters)
    logger.info(
        "training on %s from step %d of %d", request.device, state.step, spec.optimizer.steps
    )
    pulse.reached(state.step)
    reporter, steps = ProgressReporter(connection, state, checkpoint_seconds), 1
    while not state.done:
        started = time.monotonic()
        state = advance(state, steps)
        steps = next_slice(steps, time.monotonic() - started)
        pulse.reached(state.step)
        state = reporter.send_if_due(state)
        message = receive(connection) if connection.poll() else None
        if isinstance(message, Pause):
            reporter.send(state, with_checkpoint=True)
            send(connection, Paused())
            return
        if isinstance(message, Cancel) and not state.done:
            state = cancel(state)
    state, points = flush(state)
    result = pack_result(finish(state))
    logger.info("ended at step %d", state.step)
    send(connection, Finished(result, pack_points(points), provenance(spec, request.device)))


def next_slice(steps: int, seconds: float) -> int:
    """Steps that fit the next slice if ``steps`` took ``seconds``; no result depends on it."""
    return max(1, min(4 * steps, int(steps * SLICE_SECONDS / max(seconds, 1e-9))))


def classify_error(error: Exception) -> tuple[str, str]:
    """Returns the failure kind of an error, and a sentence about it."""
    if isinstance(error, ExtrapolabError):
        return "user", str(error)
    out_of_memory = isinstance(error, MemoryError | torch.OutOfMemoryError)
    if out_of_memory or "can't allocate memory" in str(error):
        return "out_of_memory", f"Training needs more memory than this machine has: {error}"
    description = f"{type(error).__name__}: {error}"
    return "infrastructure", f"Training failed with an internal error: {description}"


def _die_with_parent() -> None:
    """Has the kernel kill this process when the slot dies, even during a long computation."""
    if sys.platform == "linux":
        PR_SET_PDEATHSIG = 1
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def main() -> None:
    """Serves the slot at the other end of the socket given as the first argument."""
    _die_with_parent()
    handler = logging.StreamHandler()  # its lines go to the log of the attempt, which has the ids
    handler.setFormatter(UtcFormatter("%(asctime)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    ignore_arithmetic()
    if WorkerSettings().device == "cuda" and not torch.cuda.is_available():
        sys.exit(
            "This machine has no CUDA device. Set EXTRAPOLAB_DEVICE=cpu for a worker without one."
        )
    with contextlib.suppress(EOFError, ConnectionError):  # the slot has ended
        serve(Connection(int(sys.argv[1])), Settings().checkpoint_seconds)


if __name__ == "__main__":
    main()
