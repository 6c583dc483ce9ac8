"""What a lab answers, as frozen values."""
