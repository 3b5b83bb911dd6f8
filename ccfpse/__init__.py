"""Photos from semantic layouts with conditional convolutions (CC-FPSE, arXiv 1910.06809)."""
