"""CNN robustness seen through frequencies: the package that every script of the workflow shares."""
