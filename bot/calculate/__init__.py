"""Sums, days and deadlines worked out from the article, in the open."""
