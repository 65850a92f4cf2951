"""What the books hold, in words, on a terminal and for programs: standings, statements, journals, availability."""
