"""Settings that the API and the workers share, read from ``EXTRAPOLAB_*`` variables."""

import re
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

_HOST_NAME = re.compile(r"[^\s:/?#@\[\],*]+|[0-9a-fA-F:.]+")


def split_host_names(text: str) -> list[str]:
    """The names in a comma-separated list, in lower case; raises ValueError for what is none."""
    names = [name.strip().lower() for name in text.split(",") if name.strip()]
    for name in names:
        if not _HOST_NAME.fullmatch(name):
            message = "should be names such as lab.example, without scheme or port"
            raise ValueError(f"{message}, separated by commas")
    return names


HostNames = Annotated[str, AfterValidator(lambda text: ",".join(split_host_names(text)))]
"""Comma-separated names of a lab's host."""


class Settings(BaseSettings):
    """``EXTRAPOLAB_*`` variables of API and workers; the defaults make a lab on one machine."""

    processes: ClassVar[str] = "API and workers, `extrapolab migrate`"

    model_config = SettingsConfigDict(env_prefix="EXTRAPOLAB_", extra="ignore", frozen=True)

    database_url: str = Field(
        "sqlite:///extrapolab.db",
        description="The lab's database: `sqlite:///FILE` or "
        "`postgresql://USER:PASSWORD@HOST/DATABASE`.",
    )
    broker_url: str = Field(
        "redis://localhost:6379/0",
        description="The lab's Redis: `redis://HOST:PORT/0`, `rediss://HOST:PORT/0` or "
        "`redis+socket:///PATH`.",
    )
    lease_seconds: float = Field(
        30.0, gt=0, description="A worker that is silent for longer loses its experiment."
    )
    reaper_seconds: float = Field(
        1.5,
        gt=0,
        description="Interval of the search for lost workers, and for experiments that wait while "
        "workers are idle.",
    )
    max_attempts: int = Field(
        5, ge=1, description="An experiment fails after this many attempts without a checkpoint."
    )
    checkpoint_seconds: float = Field(
        1.0, gt=0, description="Interval of the checkpoints of a training."
    )
    progress_seconds: float = Field(
        600.0, gt=0, description="A trainer without progress for longer is stopped as hung."
    )
