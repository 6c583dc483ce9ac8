"""Settings of a worker, besides those that all processes share (:mod:`store.settings`)."""

import os
from typing import ClassVar, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class WorkerSettings(BaseSettings):
    """``EXTRAPOLAB_*`` variables of a worker."""

    processes: ClassVar[str] = "Workers"

    model_config = SettingsConfigDict(env_prefix="EXTRAPOLAB_", extra="ignore", frozen=True)

    device: Literal["cpu", "cuda"] = Field("cpu", description="Device that the worker trains on.")
    threads: int | None = Field(
        None,
        ge=1,
        description="CPU threads of one training; by default the slots share the cores equally.",
    )

    def threads_per_trainer(self, slots: int) -> int:
        """Threads of each trainer if ``slots`` trainers share this process's cores."""
        return self.threads or max(1, len(os.sched_getaffinity(0)) // slots)
