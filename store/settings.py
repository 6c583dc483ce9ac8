"""What every process of a lab is told by the environment: ``EXTRAPOLAB_DATABASE_URL`` and its neighbours."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """The settings that API and workers share; each has a default that makes a lab on one machine.

    Attributes:
        database_url: ``sqlite:///FILE`` or ``postgresql://USER:PASSWORD@HOST/DATABASE``.
        broker_url: ``redis://HOST:PORT/0`` or ``redis+socket:///PATH``.
        lease_seconds: A worker that hasn't been heard of for so long loses its experiment.
        reaper_seconds: Time between two looks for lost workers and for experiments that wait beside
            idle workers.
        max_attempts: Attempts in a row without a new checkpoint after which an experiment counts as
            failed.
        checkpoint_seconds: Time between two checkpoints of a training.
        progress_seconds: A trainer that tells of no progress for so long is taken to hang, and is
            ended.
    """

    model_config = SettingsConfigDict(env_prefix="EXTRAPOLAB_", extra="ignore", frozen=True)

    database_url: str = "sqlite:///extrapolab.db"
    broker_url: str = "redis://localhost:6379/0"
    lease_seconds: float = Field(30.0, gt=0)
    reaper_seconds: float = Field(1.5, gt=0)
    max_attempts: int = Field(5, ge=1)
    checkpoint_seconds: float = Field(1.0, gt=0)
    progress_seconds: float = Field(600.0, gt=0)
