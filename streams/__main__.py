"""`python -m streams` is `impressions`."""

from streams.cli import main

if __name__ == "__main__":
    main()
