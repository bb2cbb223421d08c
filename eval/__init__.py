"""Labelled questions in; recall, wrong answers and coverage out."""
