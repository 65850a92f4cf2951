"""The list of commands: what each does in a few words. Each is in the file of its name.

Owns: names and words of ``detente --help``. A command's file is imported when that command is asked for, so that no
command pays for the others. Not here: what a command takes (its own file).
"""

from __future__ import annotations

COMMANDS = {
    "audit": "Was the ledger altered? Verify every row; print evidence.",
    "availability": "How available were providers? As recorded of live calls.",
    "calendar": "What falls on which day? Deadlines, windows, renewals.",
    "check": "Can this be signed? Which clauses collide, and ways out.",
    "close": "Book what clauses owe and give, up to a day.",
    "compare": "Which way out is best? Choices and outcomes side by side.",
    "explain": "Why? A decision, a clause, a price, or a live call.",
    "export": "Write the books as a FOCUS file.",
    "ingest": "Put journals, or bills and exports of use, on the books.",
    "init": "Write a small case with comments, to begin with.",
    "journal": "What was served: each reply, where it ran, and why.",
    "keys": "Make, list, change and revoke the keys of callers.",
    "leases": "Who holds leases of caps? Free those of a lost machine.",
    "leverage": "Who needs whom more? What losing a provider costs.",
    "plan": "What runs where, what to commit to, at least cost.",
    "price": "What does each clause cost?",
    "reconcile": "Hold a provider's bill against the books.",
    "replay": "Take recorded calls through the gateway's decisions.",
    "report": "Write one HTML page of saved plans, side by side.",
    "sandbox": "Simulate every provider of a case on loopback.",
    "schema": "Print the JSON Schema of a case, or of a saved plan.",
    "serve": "Serve live calls: an OpenAI-compatible gateway.",
    "simulate": "What could go wrong? A plan in many random draws.",
    "standing": "Where do the clauses stand, and where are they heading?",
    "statement": "What is between us and each party? Line by line.",
}
