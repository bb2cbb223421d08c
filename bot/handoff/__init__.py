"""Handing a conversation to a human."""
