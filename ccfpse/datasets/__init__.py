"""Raw data sets."""
