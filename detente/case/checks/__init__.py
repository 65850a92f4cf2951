"""Whether the entries of a case fit together: one file a subject, each notes every mistake and stops at none."""
