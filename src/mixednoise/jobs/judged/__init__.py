"""Masks with probabilities, as ``segment errors`` takes them: from folders, a data set or a run."""
