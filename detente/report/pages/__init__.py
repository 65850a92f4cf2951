"""HTML pages that need nothing else, each with its template."""
