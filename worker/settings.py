"""What a worker may be told by its environment, besides what it shares with the other rooms (:mod:`store.settings`)."""

import os
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class WorkerSettings(BaseSettings):
    """Settings of one worker.

    Attributes:
        device: Where its trainers compute; ``EXTRAPOLAB_DEVICE``.
        threads: CPU threads of one trainer, by default the cores divided among the slots;
            ``EXTRAPOLAB_THREADS``.
    """

    model_config = SettingsConfigDict(env_prefix="EXTRAPOLAB_", extra="ignore", frozen=True)

    device: Literal["cpu", "cuda"] = "cpu"
    threads: int | None = Field(None, ge=1)

    def threads_of_one(self, slots: int) -> int:
        """The threads of each trainer where ``slots`` of them share this process's cores."""
        return self.threads or max(1, len(os.sched_getaffinity(0)) // slots)
