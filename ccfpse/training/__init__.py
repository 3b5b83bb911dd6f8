"""Training: from a prepared store to a model file.

`fit` is the entry; `step` is the algorithm; the other files hold one part each.
"""
