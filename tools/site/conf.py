"""Sphinx's configuration. Pages are plain Markdown as code hosts read it; nothing comes from another host."""

project = "impression-streams"
extensions = ["myst_parser", "tools.site.repository"]
root_doc = "index"
nitpicky = True
# Code with placeholders, as SQL with a dashboard's variables, is not of its language; it is highlighted all the same.
suppress_warnings = ["misc.highlighting_failure"]

# Anchors for links to headings, of every level.
myst_heading_anchors = 6
# What plain Markdown doesn't have: a line that begins with % is text.
myst_disable_syntax = ["myst_line_comment", "myst_block_break", "myst_target", "myst_role"]

html_theme = "furo"
html_title = "impression-streams"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_copyright = False
# Pages under files/ have no source.
html_show_sourcelink = False

linkcheck_timeout = 20
linkcheck_retries = 2
# Addresses of examples: this machine's, and names that nobody else has.
linkcheck_ignore = [r"https?://(127\.0\.0\.1|localhost)\b.*"]
# Code hosts make a heading's anchor in the browser, where the page itself has none.
linkcheck_anchors_ignore_for_url = [r"https://github\.com/.*"]
