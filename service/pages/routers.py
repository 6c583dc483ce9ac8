"""The modules of all pages, each with its router."""

from service.pages import lab

PAGES = (lab,)
