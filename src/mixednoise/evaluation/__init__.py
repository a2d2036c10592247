"""Numbers and pictures that say how good a model and a separation are."""
