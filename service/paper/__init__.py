"""Figures, verdicts, setup and references of some experiments, as a folder for a LaTeX paper."""
