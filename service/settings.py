"""What the service is told by its environment: the store's settings and the limits of what a client may ask for."""

from pydantic import Field

from store.settings import Settings as StoreSettings


class Settings(StoreSettings):
    """``EXTRAPOLAB_*`` variables of the service."""

    max_body_bytes: int = Field(8 * 2**20, ge=1024, description="Longest request body.")
    max_experiment_flop: float = Field(
        1e16, gt=0, description="Most floating-point operations of one experiment."
    )
    max_experiment_mb: float = Field(
        4096, gt=0, description="Most memory or storage of one experiment."
    )
