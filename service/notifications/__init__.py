"""News of what ended: where it may be sent, what it says, and the thread that sends it."""
