"""``mixednoise segment``: wrong mask pixels and segmenters that survive them."""
