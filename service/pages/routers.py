"""The modules of all pages, each with its router."""

from service.pages import experiment, lab, studies

PAGES = (lab, experiment, studies)
