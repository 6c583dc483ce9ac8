"""Sweeps: submission, repository, members."""
