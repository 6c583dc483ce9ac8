"""The frame of every page: templates, static files, words, and what stands on top."""
