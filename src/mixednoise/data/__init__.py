"""The data set table, readers, checks, splits, decoding, the pixel store, views."""
