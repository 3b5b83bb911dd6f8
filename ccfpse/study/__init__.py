"""The paper's fourth comparison: people pick the better of two photos of the same layout.

`make` writes the page to give away and the key to keep, `serve` collects answers, `tally` counts them.
"""
