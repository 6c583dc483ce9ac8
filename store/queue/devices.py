"""The devices of workers."""

from collections.abc import Mapping
from types import MappingProxyType

QUEUES: Mapping[str, str] = MappingProxyType({"cpu": "cpu", "cuda": "gpu"})
"""The Celery queue of each device."""
