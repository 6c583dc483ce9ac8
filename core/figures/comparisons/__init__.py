"""Figures of experiments side by side."""
