"""Settings of a worker, besides those that all processes share (:mod:`store.settings`)."""

import os
from pathlib import Path
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

    start_seconds: float = Field(
        300.0,
        gt=0,
        description="CPU seconds that a trainer may take until it is ready: it loads PyTorch, and "
        "compiles a training loop where none is cached. A trainer that uses no CPU for as long is "
        "stopped, too.",
    )
    alive_folder: Path | None = Field(
        None,
        description="Folder in which each slot touches a file `slot-PID` with each heartbeat, "
        "while its trainer is ready: a health check looks at the age of these files.",
    )

    def threads_per_trainer(self, slots: int) -> int:
        """Threads of each trainer if ``slots`` trainers share this process's cores."""
        return self.threads or max(1, len(os.sched_getaffinity(0)) // slots)
