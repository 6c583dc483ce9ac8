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
    workers,
)

PAGES = (lab, experiment, experiments, studies, compare, figures, new, workers, assets)
