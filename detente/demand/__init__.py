"""What is needed: workloads, and how much work each has over time.

Not here: where it runs (``planner``), and live calls (``live``, ``gateway``).
"""
