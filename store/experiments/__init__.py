"""Experiments: drafts, submission, repository, results and events."""
