"""Live traffic, in five rooms.

``surfaces`` are what callers see by path; ``http`` reads requests and writes replies; ``upstream`` talks to providers;
``deciding`` says where a call may go and in which order (pure); ``serving`` brings them together, and alone acts.
"""
