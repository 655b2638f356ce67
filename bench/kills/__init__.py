"""What SIGKILLs cost our worker and its peers."""
