"""Stored arrays: runs, series, checkpoints."""
