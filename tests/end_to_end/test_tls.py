"""Served over TLS: OpenAI's client trusts the certificate that it was given, and nobody who does not reaches a page."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.end_to_end.clients import of_openai
from tests.end_to_end.serving import serving
from tests.end_to_end.wires import AZURE, WIRES, written

HI: Any = [{"role": "user", "content": "sandbox:echo over TLS"}]
needed = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate, and is not here")


@needed
def test_calls_over_tls(tmp_path: Path) -> None:
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    named = ["-subj", "/CN=detente", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*made, *named, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    options = ["--certificate", str(certificate), "--private-key", str(key)]
    with serving(written(tmp_path / "case", WIRES), tmp_path, "--sandbox", *options) as gateway:
        assert gateway.address.startswith("https://127.0.0.1:")
        trusting = ssl.create_default_context(cafile=str(certificate))
        with of_openai(gateway, "everything", verify=trusting) as client:
            reply = client.chat.completions.create(model=AZURE, messages=HI)
            assert reply.choices[0].message.content == "sandbox:echo over TLS"
            stream = client.chat.completions.create(model=AZURE, messages=HI, stream=True)
            said = "".join(c.choices[0].delta.content or "" for c in stream if c.choices)
            assert said == "sandbox:echo over TLS"
            long = client.chat.completions.create(
                model=AZURE, messages=[{"role": "user", "content": "sandbox:echo " + "x" * 1_000_000}]
            )
            assert len(long.choices[0].message.content or "") > 100_000
        with of_openai(gateway, "everything") as client, pytest.raises(openai.APIConnectionError):
            client.models.list()
