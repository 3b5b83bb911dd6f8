"""Networks of others that read photos into classes, for evaluation.

`drn`, `deeplab` and `upernet` are the papers' three, read from their authors' files; `program` runs an
exported PyTorch program; `huggingface` any segmentation checkpoint of that library. Each of them
opens a `Segmenter`, whose classes `mapping` finds by name among those of a data set.
"""
