"""What a lab reads from its environment; what it decides goes to its children by the same names."""

import os
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import Field, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from lab.errors import CannotStart
from lab.folder import on_this_machine

_PREFIX = "EXTRAPOLAB_"
_Settings = TypeVar("_Settings", bound=BaseSettings)


class LabSettings(BaseSettings):
    """Settings of ``extrapolab up``, each from ``EXTRAPOLAB_`` and its name.

    Attributes:
        database_url: A database to use in place of SQLite in the data folder.
        broker_url: A Redis to use in place of a private one.
        redis_server: The redis-server binary to run as the private one.
        lease_seconds: How long a silent worker keeps its experiment. Short here: its workers are on
            the same machine.
        device: What the workers train on.
        database_seconds: How long a database that doesn't answer is waited for.
    """

    model_config = SettingsConfigDict(env_prefix=_PREFIX, extra="ignore", frozen=True)

    database_url: str | None = None
    broker_url: str | None = None
    redis_server: Path | None = None
    lease_seconds: float = Field(default=5.0, gt=0)
    device: Literal["cpu", "cuda"] = "cpu"
    database_seconds: float = Field(default=30.0, ge=0)

    @field_validator("database_url")
    @classmethod
    def _from_any_folder(cls, url: str | None) -> str | None:
        """The same SQLite file for the children, which don't run in this process's folder; no network disk."""
        if url is None or not url.startswith("sqlite:///"):
            return url
        return f"sqlite:///{on_this_machine(Path(url.removeprefix('sqlite:///')).absolute())}"

    def handed_on(self, database_url: str, broker_url: str, url: str) -> dict[str, str]:
        """The environment of the children: ours, and what was decided on database, broker and the API's address."""
        decided = {
            "DATABASE_URL": database_url,
            "BROKER_URL": broker_url,
            "URL": url,
            "LEASE_SECONDS": str(self.lease_seconds),
        }
        return {
            **os.environ,
            **{_PREFIX + name: value for name, value in decided.items()},
            "PYTHONUNBUFFERED": "1",
        }


def refuse_no_database() -> None:
    """For what belongs to a shared lab.

    Raises:
        CannotStart: The environment names no database.
    """
    if not os.environ.get(_PREFIX + "DATABASE_URL"):
        example = "postgresql://extrapolab:PASSWORD@HOST/extrapolab"
        raise CannotStart(
            f"{_PREFIX}DATABASE_URL names no database; it should be that of the lab, such as {example}."
        )


def read(kind: type[_Settings]) -> _Settings:
    """The settings of this kind in the environment.

    Raises:
        CannotStart: One of them makes no sense; the message names the variable.
    """
    try:
        return kind()
    except ValidationError as error:
        raise CannotStart("\n".join(map(_line, error.errors()))) from error


def _line(wrong: ErrorDetails) -> str:
    name = f"{_PREFIX}{'_'.join(map(str, wrong['loc'])).upper()}"
    message = (
        wrong["msg"]
        .removeprefix("Input ")
        .removeprefix("Value error, ")
        .partition(", unable to parse")[0]
    )
    return f"{name}: {message} (given {wrong['input']!r})."
