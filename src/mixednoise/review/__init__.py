"""Review: people's decisions on an audit, kept at once, and the labels that they lead to."""
