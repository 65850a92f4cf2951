"""Use as the books hold it: metered, rated, line by line, and its running totals."""
