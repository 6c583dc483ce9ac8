"""The supervision of one attempt: a trainer that trains a claimed experiment, from start to end."""

import logging
import time
import traceback
from collections.abc import Callable

from store import process_log
from store.arrays import checkpoints
from store.records import Claim, Failure, FailureKind
from worker.messages import (
    Advanced,
    Cancel,
    Failed,
    Finished,
    Pause,
    Paused,
    Train,
    pack_initial_parameters,
)
from worker.recorder import AttemptRecorder, ClaimLost
from worker.trainer_process import LOG_BYTES, TrainerDied, TrainerProcess

POLL_SECONDS = 0.5
"""Longest pause between two checks of the lease, the limits and the stop requests."""

CANCEL_SECONDS, PAUSE_SECONDS = 1.0, 5.0
"""Time allowed for a trainer to answer. A cancel takes at most 2 s: one poll, and this."""

logger = logging.getLogger(__name__)


class Attempt:
    """One attempt at a claimed experiment.

    Leaves the trainer idle and reusable, or killed after an abnormal end.
    """

    def __init__(
        self,
        claim: Claim,
        trainer: TrainerProcess,
        recorder: AttemptRecorder,
        *,
        should_stop: Callable[[], bool],
        progress_seconds: float,
    ) -> None:
        """Prepares the attempt; :meth:`run` starts it.

        Args:
            claim: The claimed experiment.
            trainer: An idle trainer.
            recorder: The recorder of this attempt.
            should_stop: Whether the slot wants to hand back its work.
            progress_seconds: A trainer without progress for longer than this is killed.
        """
        self._claim, self._trainer, self._recorder = claim, trainer, recorder
        self._should_stop, self._progress_seconds = should_stop, progress_seconds
        self._poll_seconds = min(POLL_SECONDS, recorder.lease_seconds / 5)
        self._started_at = self._progress_at = time.monotonic()
        self._memory_mb = 0.0
        self._logged_characters = 0
        self._pending_request: Cancel | Pause | None = None
        self._answer_due = 0.0

    def run(self) -> None:
        """Trains the experiment and records how it ends; a lost claim is logged and dropped."""
        with process_log.bound(experiment=self._claim.experiment_id, attempt=self._claim.attempt):
            try:
                self._train()
            except ClaimLost as loss:
                self._trainer.kill()
                logger.warning("dropping the attempt, its claim is lost: %s", loss)
            except Exception as error:  # recorded now, without waiting for the lease to end
                logger.exception("the attempt failed with an internal error")
                self._record_internal_error(error)
            except BaseException:
                self._trainer.kill()
                raise

    def _train(self) -> None:
        claim = self._claim
        parameters = (
            None
            if claim.initial_parameters is None
            else pack_initial_parameters(claim.initial_parameters)
        )
        spec = claim.spec.model_dump_json().encode()
        try:
            self._trainer.send(Train(spec, claim.device, claim.checkpoint, parameters))
            while not (self._poll_message() or self._supervise_once()):
                pass
        except TrainerDied as death:
            self._on_trainer_death(death)

    def _poll_message(self) -> bool:
        """Waits briefly for a message and records it; returns whether it ended the attempt."""
        message = self._trainer.receive(self._poll_seconds)
        match message:
            case Advanced(checkpoint=bytes() as checkpoint) if (
                len(checkpoint) > checkpoints.MAX_MB * 2**20
            ):
                sentence = (
                    f"A checkpoint of this experiment takes {len(checkpoint) / 2**20:.1f} MB; "
                    f"the limit is {checkpoints.MAX_MB:g} MB. Try a smaller dim or fewer seeds."
                )
                self._fail(Failure(FailureKind.USER, sentence))
            case Advanced():
                self._recorder.record(message, self._take_live_log())
                self._progress_at = time.monotonic()
                return False
            case Finished():
                self._recorder.finish(message, self._trainer.take_log())
            case Paused():
                self._recorder.hand_back(self._trainer.take_log())
            case Failed():
                self._fail(Failure(FailureKind(message.kind), message.sentence), message.traceback)
            case _:
                return False
        return True

    def _supervise_once(self) -> bool:
        """Renews the lease, applies limits and stop requests; returns whether the attempt ended."""
        now = time.monotonic()
        if now - self._recorder.renewed_at >= self._poll_seconds:
            self._recorder.heartbeat()
        self._memory_mb = self._trainer.memory_mb()
        failure = self._exceeded_limit() or self._missing_progress(now)
        if failure is not None:
            self._fail(failure)
            return True
        if self._pending_request is not None and now > self._answer_due:
            self._kill_unresponsive()
            return True
        stop_requests = self._recorder.stop_requests
        if stop_requests.cancel and not isinstance(self._pending_request, Cancel):
            self._request(Cancel(), CANCEL_SECONDS)
        elif self._pending_request is None and (stop_requests.pause or self._should_stop()):
            self._request(Pause(), PAUSE_SECONDS)
        return False

    def _missing_progress(self, now: float) -> Failure | None:
        if now - self._progress_at <= self._progress_seconds:
            return None
        sentence = (
            f"No progress for {self._progress_seconds:g} s; the trainer was stopped. "
            "If single steps really take that long, raise EXTRAPOLAB_PROGRESS_SECONDS."
        )
        return Failure(FailureKind.INFRASTRUCTURE, sentence)

    def _exceeded_limit(self) -> Failure | None:
        seconds, memory_mb = self._claim.max_seconds, self._claim.max_memory_mb
        if memory_mb is not None and self._memory_mb > memory_mb:
            sentence = (
                f"The trainer used {self._memory_mb:.0f} MB, {self._trainer.idle_mb:.0f} MB of it "
                f"before training; the limit max_memory_mb is {memory_mb}."
            )
            return Failure(FailureKind.OUT_OF_MEMORY, sentence)
        trained = self._claim.trained_seconds + time.monotonic() - self._started_at
        if seconds is not None and trained > seconds:
            sentence = f"Training was stopped at the limit max_seconds = {seconds:g}."
            if self._claim.trained_seconds:
                earlier = f"{self._claim.trained_seconds:.1f} s"
                sentence += f" It counts all attempts; earlier ones took {earlier}."
            return Failure(FailureKind.TIMEOUT, sentence)
        return None

    def _request(self, message: Cancel | Pause, answer_seconds: float) -> None:
        self._pending_request, self._answer_due = message, time.monotonic() + answer_seconds
        self._trainer.send(message)

    def _kill_unresponsive(self) -> None:
        """Kills a trainer that didn't answer a request in time, and carries the request out."""
        self._trainer.kill()
        if isinstance(self._pending_request, Cancel):
            self._recorder.cancel(self._trainer.take_log())
        else:
            self._recorder.hand_back(self._trainer.take_log())

    def _take_live_log(self) -> str:
        """Returns new output of the trainer; after the first 64 KB, output waits for the end."""
        log = self._trainer.take_log() if self._logged_characters < LOG_BYTES else ""
        self._logged_characters += len(log)
        return log

    def _fail(self, failure: Failure, trace: str = "") -> None:
        self._trainer.kill()
        self._recorder.fail(failure, self._trainer.take_log() + trace)

    def _record_internal_error(self, error: Exception) -> None:
        """Ends the attempt after an error of the worker; only logs if recording fails, too."""
        first_line, _, _ = f"{type(error).__name__}: {error}".partition("\n")
        sentence = f"The worker failed with an internal error: {first_line}"
        try:
            self._fail(Failure(FailureKind.INFRASTRUCTURE, sentence), traceback.format_exc())
        except Exception:
            logger.exception("the failure could not be recorded")

    def _on_trainer_death(self, death: TrainerDied) -> None:
        """Records the end of a trainer that died: cancelled, over a limit, or lost."""
        failure = self._exceeded_limit()
        log = f"{self._trainer.take_log()}{death}\n"
        if self._recorder.stop_requests.cancel:
            self._recorder.cancel(log)
        elif failure is not None:
            self._recorder.fail(failure, log)
        else:
            self._recorder.abandon(log)
