"""The modules of all pages, each with its router."""

from service.pages import assets, compare, experiment, lab, studies, workers

PAGES = (lab, experiment, studies, compare, workers, assets)
