"""The modules of all pages, each with its router."""

from service.pages import (
    assets,
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
