"""Stored arrays: runs, series and checkpoints."""
