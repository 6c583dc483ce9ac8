"""Sweeps: each in a few words, and the map of one with its choices, cells and frame."""
