"""What a large catalogue costs a worker that starts."""
