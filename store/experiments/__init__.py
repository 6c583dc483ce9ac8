"""Experiments: submission, repository, results, events."""
