"""Checkpoints: the last hash of a ledger on a day, signed, kept where whoever writes the ledger cannot.

Owns: making and verifying them. Whoever rewrites rows, marks and every hash after them makes a chain that holds; it
does not hold against a checkpoint from before. Not here: the chain itself (``audit``).

A signature is an HMAC with SHA-256, by a key that is referred to (``env:NAME``, ``file:PATH``) and never shown (§14).
"""

from __future__ import annotations

import hmac
import json
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from detente.errors import CredentialError, LedgerError
from detente.ledger.store.chain import GENESIS
from detente.ledger.store.store import Session
from detente.values.json_text import parsed

MAX_FILE = 16 * 1024 * 1024
MIN_KEY = 16
"""Bytes of a key at least."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A batch, its hash, and when this was stated."""

    batch: int
    hash: str
    at: str

    def signature(self, key: bytes) -> str:
        """By a key."""
        return hmac.new(key, f"detente-checkpoint {self.batch} {self.hash} {self.at}".encode(), "sha256").hexdigest()

    def line(self, key: bytes) -> str:
        """As one line of a file."""
        stated = {"batch": self.batch, "hash": self.hash, "at": self.at, "signature": self.signature(key)}
        return json.dumps(stated) + "\n"


def now(session: Session, at: datetime) -> Checkpoint:
    """The checkpoint of a ledger as it is."""
    found = session.one("SELECT batch, hash FROM batches ORDER BY batch DESC LIMIT 1")
    batch, told = (int(found[0]), str(found[1])) if found is not None else (0, GENESIS)
    return Checkpoint(batch, told, f"{at:%Y-%m-%dT%H:%M:%SZ}")


def broken(session: Session, file: Path, key: bytes) -> list[str]:
    """What of a file's checkpoints does not hold, each with its line.

    Raises LedgerError where the file holds none, or is no file of them.
    """
    found, lines = [], _lines(file)
    for number, text in enumerate(lines, start=1):
        checkpoint, signature = _read(text, f"{file}:{number}")
        if not hmac.compare_digest(checkpoint.signature(key), signature):
            found.append(f"{file}:{number}: not signed by this key, or altered since")
            continue
        row = session.one("SELECT hash FROM batches WHERE batch = ?", (checkpoint.batch,))
        told = GENESIS if checkpoint.batch == 0 else row[0] if row is not None else None
        if told != checkpoint.hash:
            what = "is missing from the ledger" if told is None else "has another hash now"
            found.append(f"{file}:{number}: batch {checkpoint.batch}, as it was on {checkpoint.at}, {what}")
    return found


def _lines(file: Path) -> list[str]:
    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_FILE + 1)
        lines = data.decode().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise LedgerError(
            f"{file}: {getattr(error, 'strerror', None) or 'not text'}; name a checkpoint's file"
        ) from None
    if len(data) > MAX_FILE or not lines:
        raise LedgerError(f"{file}: {'too long' if lines else 'empty'}; name a file of signed checkpoints")
    return lines


def _read(text: str, where: str) -> tuple[Checkpoint, str]:
    try:
        stated = parsed(text)
        batch, told, at, signature = (stated[name] for name in ("batch", "hash", "at", "signature"))
        if type(batch) is not int or not all(isinstance(each, str) for each in (told, at, signature)):
            raise TypeError
    except (ValueError, KeyError, TypeError):
        raise LedgerError(f"{where}: no checkpoint; name a file of signed checkpoints") from None
    return Checkpoint(batch, told, at), signature


def key_of(reference: str) -> bytes:
    """The key that a reference names. Raises CredentialError, which never shows it."""
    kind, separator, name = reference.partition(":")
    if kind not in ("env", "file") or not separator or not name:
        raise CredentialError("where the key is: write `env:NAME` or `file:PATH`, and never the key itself")
    try:
        found = os.environ.get(name, "").encode() if kind == "env" else Path(name).read_bytes().strip()
    except OSError as error:
        raise CredentialError(f"the key `file:{name}`: {error.strerror}") from None
    if len(found) < MIN_KEY:
        what = f"the key `{kind}:{name}`: {'not set' if not found else 'too short'}"
        raise CredentialError(f"{what}; let it hold at least {MIN_KEY} bytes that nobody can guess")
    return found
