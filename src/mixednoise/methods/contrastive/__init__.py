"""Contrastive learning with a momentum encoder: networks, keys of earlier steps, pairs."""
