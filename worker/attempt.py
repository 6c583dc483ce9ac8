"""One attempt: a claim in the hands of a trainer, watched from outside until its end, whichever end that is."""

import logging
import time
import traceback
from collections.abc import Callable

from store.arrays import checkpoints
from store.records import Claim, Failure, FailureKind
from worker.messages import Advanced, Cancel, Failed, Finished, Pause, Paused, Train, pack_inherited
from worker.recorder import ClaimLost, Ledger
from worker.trainer_process import LOG_BYTES, TrainerDied, TrainerProcess

LOOK_SECONDS = 0.5
"""At least so often the lease is extended and cancel, limits and the leash are looked at."""

CANCEL_PATIENCE, PAUSE_PATIENCE = 1.0, 5.0
"""Seconds that a trainer has to answer. A cancel is done within 2 s: one look, and this."""

logger = logging.getLogger(__name__)


class Attempt:
    """The supervision of one claim.

    Afterwards the trainer is idle and warm; dead, where the end was no normal one.
    """

    def __init__(
        self,
        claim: Claim,
        trainer: TrainerProcess,
        ledger: Ledger,
        *,
        is_to_stop: Callable[[], bool],
        progress_seconds: float,
    ) -> None:
        """Begins nothing yet.

        Args:
            claim: What to train.
            trainer: A warm one.
            ledger: The claim's.
            is_to_stop: Whether the slot wants to hand back what it is doing.
            progress_seconds: A trainer that tells of no progress for so long hangs, though all else
                may be well.
        """
        self._claim, self._trainer, self._ledger = claim, trainer, ledger
        self._is_to_stop, self._progress_seconds = is_to_stop, progress_seconds
        self._look_seconds = min(LOOK_SECONDS, ledger.lease_seconds / 5)
        self._began = self._heard_at = time.monotonic()
        self._memory_mb = 0.0
        self._logged = 0
        self._asked: Cancel | Pause | None = None
        self._answer_by = 0.0

    def run(self) -> None:
        """Trains the claim and records how it ends; a claim that is lost on the way is dropped with a line of log."""
        try:
            self._train()
        except ClaimLost as loss:
            self._trainer.kill()
            logger.warning(
                "dropping attempt %d of %s: %s",
                self._claim.attempt,
                self._claim.experiment_id,
                loss,
            )
        except Exception as error:  # whatever it is, nobody should wait for the lease to end
            logger.exception(
                "attempt %d of %s failed", self._claim.attempt, self._claim.experiment_id
            )
            self._give_up(error)
        except BaseException:
            self._trainer.kill()  # nobody would listen to it
            raise

    def _train(self) -> None:
        claim = self._claim
        inherited = None if claim.inherited is None else pack_inherited(claim.inherited)
        try:
            self._trainer.send(
                Train(
                    claim.spec.model_dump_json().encode(), claim.device, claim.checkpoint, inherited
                )
            )
            while not (self._hear() or self._look()):
                pass
        except TrainerDied as death:
            self._bury(death)

    def _hear(self) -> bool:
        """Waits a moment for the trainer and records what it says; whether that was its last word."""
        message = self._trainer.receive(self._look_seconds)
        match message:
            case Advanced(checkpoint=bytes() as state) if (
                len(state) > checkpoints.LARGEST_MB * 2**20
            ):
                held, most = f"{len(state) / 2**20:.1f} MB", f"{checkpoints.LARGEST_MB:g} MB"
                sentence = f"A checkpoint of it takes {held}, and {most} are kept; try a smaller dim or fewer seeds."
                self._fail(Failure(FailureKind.USER, sentence))
            case Advanced():
                self._ledger.record(message, self._live_log())
                self._heard_at = time.monotonic()
                return False
            case Finished():
                self._ledger.finish(message, self._trainer.take_log())
            case Paused():
                self._ledger.hand_back(self._trainer.take_log())
            case Failed():
                self._fail(Failure(FailureKind(message.kind), message.sentence), message.traceback)
            case _:
                return False
        return True

    def _look(self) -> bool:
        """Extends the lease, asks the trainer to stop where it should; whether the attempt had to be ended."""
        now = time.monotonic()
        if now - self._ledger.renewed_at >= self._look_seconds:
            self._ledger.beat()
        self._memory_mb = self._trainer.memory_mb()
        failure = self._broken_limit() or self._standstill(now)
        if failure is not None:
            self._fail(failure)
            return True
        if self._asked is not None and now > self._answer_by:
            self._insist()
            return True
        if self._ledger.wishes.cancel and not isinstance(self._asked, Cancel):
            self._ask(Cancel(), CANCEL_PATIENCE)
        elif self._asked is None and (self._ledger.wishes.pause or self._is_to_stop()):
            self._ask(Pause(), PAUSE_PATIENCE)
        return False

    def _standstill(self, now: float) -> Failure | None:
        if now - self._heard_at <= self._progress_seconds:
            return None
        silent = f"The trainer told of no progress for {self._progress_seconds:g} s and was ended"
        hint = "where single steps take so long, set EXTRAPOLAB_PROGRESS_SECONDS higher."
        return Failure(FailureKind.INFRASTRUCTURE, f"{silent}; {hint}")

    def _broken_limit(self) -> Failure | None:
        seconds, memory_mb = self._claim.max_seconds, self._claim.max_memory_mb
        if memory_mb is not None and self._memory_mb > memory_mb:
            held = f"The trainer held {self._memory_mb:.0f} MB, {self._trainer.warm_mb:.0f} of them before it began"
            return Failure(
                FailureKind.OUT_OF_MEMORY, f"{held}; the limit max_memory_mb is {memory_mb}."
            )
        if seconds is not None and time.monotonic() - self._began > seconds:
            return Failure(
                FailureKind.TIMEOUT,
                f"The training was stopped after {seconds:g} s, the limit max_seconds.",
            )
        return None

    def _ask(self, message: Cancel | Pause, patience: float) -> None:
        self._asked, self._answer_by = message, time.monotonic() + patience
        self._trainer.send(message)

    def _insist(self) -> None:
        """Ends a trainer that hasn't answered."""
        self._trainer.kill()
        if isinstance(self._asked, Cancel):
            self._ledger.cancel(self._trainer.take_log())
        else:
            self._ledger.hand_back(self._trainer.take_log())

    def _live_log(self) -> str:
        """What the trainer printed since last time; of one that prints too much the rest stays for the end."""
        log = self._trainer.take_log() if self._logged < LOG_BYTES else ""
        self._logged += len(log)
        return log

    def _fail(self, failure: Failure, trace: str = "") -> None:
        self._trainer.kill()
        self._ledger.fail(failure, self._trainer.take_log() + trace)

    def _give_up(self, error: Exception) -> None:
        """Ends the attempt for an error of the worker; if that can't be written either, it is only logged."""
        what, _, _ = f"{type(error).__name__}: {error}".partition("\n")
        failure = Failure(
            FailureKind.INFRASTRUCTURE, f"Its worker met an error that should not happen, {what}"
        )
        try:
            self._fail(failure, traceback.format_exc())
        except Exception:
            logger.exception("the failure of %s is not recorded", self._claim.experiment_id)

    def _bury(self, death: TrainerDied) -> None:
        """The trainer died under the training: whose fault that was decides what becomes of the experiment."""
        failure = self._broken_limit()
        log = f"{self._trainer.take_log()}{death}\n"
        if self._ledger.wishes.cancel:
            self._ledger.cancel(log)
        elif failure is not None:
            self._ledger.fail(failure, log)
        else:
            self._ledger.abandon(log)
