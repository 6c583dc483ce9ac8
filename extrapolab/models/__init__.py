"""A lab's answers as frozen values."""
