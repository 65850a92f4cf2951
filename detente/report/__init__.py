"""Plans and answers as people read them: an HTML page, a terminal view, an explanation."""
