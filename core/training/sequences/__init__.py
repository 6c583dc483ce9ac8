"""Training on sampled sequences, by backpropagation through time."""
