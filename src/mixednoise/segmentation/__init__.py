"""Segmentation on masks that can't be trusted."""
