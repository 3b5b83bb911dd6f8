"""Scores of synthesized photos beside those of the real ones, and a picture to look at."""
