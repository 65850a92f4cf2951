"""The list of commands: what each does in a few words, and the file that it is in.

Owns: names and words of ``detente --help``. A command's file is imported when that command is asked for, so that no
command pays for the others. Not here: what a command takes (its own file).
"""

from __future__ import annotations

from typing import NamedTuple


class Listed(NamedTuple):
    """A command: the file of ``cli`` that it is in, and what it does."""

    file: str
    does: str


COMMANDS = {
    "audit": Listed("audit", "Was the ledger altered? Verify every row; print evidence."),
    "availability": Listed("availability", "How available were providers? As recorded of live calls."),
    "calendar": Listed("agenda", "What falls on which day? Deadlines, windows, renewals."),
    "check": Listed("planning", "Can this be signed? Which clauses collide, and ways out."),
    "close": Listed("books", "Book what clauses owe and give, up to a day."),
    "compare": Listed("outlook", "Which way out is best? Choices and outcomes side by side."),
    "explain": Listed("why", "Why? A decision, a clause, a price, or a live call."),
    "export": Listed("exchange", "Write the books as a FOCUS file."),
    "ingest": Listed("intake", "Put journals, or bills and exports of use, on the books."),
    "init": Listed("planning", "Write a small case with comments, to begin with."),
    "journal": Listed("live", "What was served: each reply, where it ran, and why."),
    "keys": Listed("keys", "Make, list, change and revoke the keys of callers."),
    "leverage": Listed("worth", "Who needs whom more? What losing a provider costs."),
    "plan": Listed("planning", "What runs where, what to commit to, at least cost."),
    "price": Listed("worth", "What does each clause cost?"),
    "reconcile": Listed("exchange", "Hold a provider's bill against the books."),
    "replay": Listed("traffic", "Take recorded calls through the gateway's decisions."),
    "report": Listed("planning", "Write one HTML page of saved plans, side by side."),
    "sandbox": Listed("live", "Simulate every provider of a case on loopback."),
    "schema": Listed("planning", "Print the JSON Schema of a case, or of a saved plan."),
    "serve": Listed("live", "Serve live calls: an OpenAI-compatible gateway."),
    "simulate": Listed("outlook", "What could go wrong? A plan in many random draws."),
    "standing": Listed("books", "Where do the clauses stand, and where are they heading?"),
    "statement": Listed("statement", "What is between us and each party? Line by line."),
}
