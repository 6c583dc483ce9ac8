"""Sweeps: drafts, staging, submission, repository and members."""
