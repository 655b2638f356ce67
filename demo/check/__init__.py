"""What is checked: every view, row for row, against an independent recount of the topic."""
