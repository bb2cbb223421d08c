"""The ways a question comes in."""
