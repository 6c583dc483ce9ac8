"""Sweeps: submission, repository, members, outcomes."""
