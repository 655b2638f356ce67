"""The documentation as a site, built by Sphinx from the Markdown of the repository: `python -m tools.site`."""
