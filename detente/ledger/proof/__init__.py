"""Whether anything was changed, and the evidence for a call, a workload, a clause."""
