"""The modules of all pages, each with its router."""

from service.pages import (
    compare,
    experiment,
    experiments,
    figures,
    lab,
    new,
    studies,
    sweep,
    sweeps,
    workers,
)
from service.pages.frame import assets

PAGES = (
    lab,
    experiment,
    experiments,
    sweeps,
    sweep,
    studies,
    compare,
    figures,
    new,
    workers,
    assets,
)
