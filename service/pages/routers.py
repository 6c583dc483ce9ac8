"""The modules of all pages, each with its router."""

from service.pages import assets, experiment, lab, studies, workers

PAGES = (lab, experiment, studies, workers, assets)
