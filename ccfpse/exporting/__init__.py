"""Trained generators for other programs, as ONNX files and `torch.export` programs."""
