"""Settings of the service: those of the store, and limits on what a client may request."""

from typing import ClassVar

from pydantic import Field

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
    max_experiment_mb: float = Field(
        4096, gt=0, description="Maximum memory, and maximum storage, of one experiment in MB."
    )
