"""The paper's comparisons: a grid of variants and seeds, same data, same budget, same judge, one table.

The cells of the grid are stages of `compare/dvc.yaml`; `collect` reads what they left.
"""
