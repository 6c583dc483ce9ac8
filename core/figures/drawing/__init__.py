"""Drawing: how the data of figures become files."""
