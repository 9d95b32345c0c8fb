"""How good the estimators of the meta-gradient are, on a given experiment."""
