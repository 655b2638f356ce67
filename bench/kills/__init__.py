"""What SIGKILLs cost, ours beside its peers."""
