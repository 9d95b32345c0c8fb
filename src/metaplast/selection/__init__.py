"""A selection is searched as rules are: problems to search, what a selection is worth there."""
