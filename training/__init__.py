"""Offline: from sentence pairs and our bank to the encoders, the judge of scope and the ranker that are bundled."""
