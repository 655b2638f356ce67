"""What records built to hurt cost the worker, and everybody else."""
