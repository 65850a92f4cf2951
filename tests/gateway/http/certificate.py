"""A certificate of our own for localhost, made for a test."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

_COMMAND = (
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    " -addext subjectAltName=DNS:localhost -keyout key.pem -out cert.pem"
)


def certificate(folder: Path) -> Path:
    """Makes ``cert.pem`` and ``key.pem`` in a folder, and gives the file that holds both."""
    try:
        subprocess.run(_COMMAND.split(), cwd=folder, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs the openssl command to make a certificate")
    both = folder / "both.pem"
    both.write_text((folder / "key.pem").read_text() + (folder / "cert.pem").read_text())
    return both
