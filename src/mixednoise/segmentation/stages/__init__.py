"""The stages of training on wrong masks: teachers, judgement, error maps, student, evaluation."""
