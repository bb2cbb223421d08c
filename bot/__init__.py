"""From a worker's words to a reply."""
