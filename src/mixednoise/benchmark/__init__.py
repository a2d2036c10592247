"""Methods x data x noise x seeds: a matrix file in, a row per run out."""
