"""Colours and words for groups and metrics, defined once for figures, tables and reports."""

from __future__ import annotations

# Okabe and Ito (2008): told apart by readers with any kind of colour vision.
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILLION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
GREY, INK, FAINT = "#6B6B6B", "#222222", "#E4E4E4"

#: The colour of each group, the same in every figure and report.
GROUP_COLOURS = {"correct": GREEN, "mis_h": ORANGE, "mis_l": PURPLE}
#: What each group is called where there is room for words.
GROUP_TITLES = {
    "correct": "correct",
    "mis_h": "mislabeled, readable",
    "mis_l": "mislabeled, unreadable",
}
#: What each group means for a label, to readers who never heard of groups.
GROUP_PLAIN = {
    "correct": "looks right",
    "mis_h": "looks wrong",
    "mis_l": "can’t be read",
}
#: What each metric is called where there is room for words.
METRIC_TITLES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
    "macro_auc": "macro AUC",
    "qwk": "weighted kappa",
    "ece": "calibration error (low is good)",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "auc": "AUC",
    "f1": "F1",
}
