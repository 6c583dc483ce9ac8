"""Training on sampled sequences, step by step through time."""
