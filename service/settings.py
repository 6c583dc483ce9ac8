"""Settings of the service: those of the store, and limits on what a client may request."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field, field_validator

from store.settings import HostNames, split_host_names
from store.settings import Settings as StoreSettings


class Settings(StoreSettings):
    """``EXTRAPOLAB_*`` variables of the service."""

    processes: ClassVar[str] = "API"

    max_body_bytes: int = Field(
        8 * 2**20, ge=1024, description="Maximum size of a request body, in bytes."
    )
    max_experiment_flop: float = Field(
        1e16, gt=0, description="Maximum floating-point operations of one experiment."
    )
    max_seconds: float | None = Field(
        None,
        gt=0,
        description="Limit on the training time of experiments that are submitted without one, in "
        "seconds over all attempts; by default none.",
    )
    hosts: HostNames = Field(
        "",
        description="Names by which browsers reach the lab, such as `lab.example`, separated by "
        "commas; it always answers to loopback names and to the address that it is reached at.",
    )
    root_path: str = Field(
        "",
        pattern=r"^((/[A-Za-z0-9._~-]+)+/?)?$",
        description="The prefix at which a proxy serves the lab, such as `/lab` for "
        "`https://example.org/lab/`.",
    )
    allow_anyone: bool = Field(
        default=False,
        description="Whether a lab that listens beyond loopback answers: everyone who reaches it "
        "may then read and change everything.",
    )
    max_experiment_mb: float = Field(
        4096, gt=0, description="Maximum memory, and maximum storage, of one experiment in MB."
    )

    notify: str = Field(
        "",
        description="The lab's targets of notifications: `NAME=URL` separated by spaces, with URLs "
        "of webhooks or of [Apprise](https://github.com/caronc/apprise). The target `default` gets "
        "the news of what names no target.",
    )
    notify_private: bool = Field(
        default=False,
        description="Whether notifications may be sent to this machine and to private networks.",
    )

    @field_validator("notify")
    @classmethod
    def _are_targets(cls, text: str) -> str:
        for entry in text.split():
            name, equals, url = entry.partition("=")
            if not (equals and name.isidentifier() and "://" in url) or name == "none":
                raise ValueError(
                    "should be NAME=URL separated by spaces, such as team=ntfys://ntfy.sh/TOPIC; "
                    "a name has letters, digits and _, and is not 'none'"
                )
        return text

    @property
    def notify_targets(self) -> Mapping[str, str]:
        """The URLs in :attr:`notify` by name."""
        entries = (entry.partition("=") for entry in self.notify.split())
        return {name: url for name, _, url in entries}

    @property
    def host_names(self) -> list[str]:
        """The names in :attr:`hosts`."""
        return split_host_names(self.hosts)
