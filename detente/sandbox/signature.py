"""AWS's signature, version 4, of a request: whether it is right.

Owns: reading and verifying it. The secret of one access key is known here (``SANDBOX``), and so a path that was signed
differently from how it was sent is caught; signatures of other keys are looked at, and not verified. The date is not
compared with a clock. Not here: signing, which is the wire's; this is written apart from it on purpose.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from urllib.parse import quote

from detente.sandbox.face import HttpRequest

ACCESS_KEY = "SANDBOX"
SECRET = "sandbox-secret-for-loopback-only"
SERVICE = "bedrock"
_FORM = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/,\s]+)/(?P<date>\d{8})/(?P<region>[^/,\s]+)/(?P<service>[^/,\s]+)"
    r"/aws4_request,\s*SignedHeaders=(?P<signed>[a-z0-9;-]+),\s*Signature=(?P<signature>[0-9a-f]{64})"
)


def fault(request: HttpRequest, region: str) -> str | None:
    """What is wrong with a request's signature, in AWS's manner; None where nothing is."""
    found = _FORM.fullmatch(request.headers.get("authorization", ""))
    if found is None:
        return "Authorization header requires existence of 'Credential', 'SignedHeaders' and 'Signature' parameters."
    stamp = request.headers.get("x-amz-date", "")
    if not re.fullmatch(r"\d{8}T\d{6}Z", stamp) or not stamp.startswith(found["date"]):
        return "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP."
    if found["service"] != SERVICE:
        return f"Credential should be scoped to correct service: '{SERVICE}'."
    if found["region"] != region:
        return f"Credential should be scoped to a valid region, not '{found['region'][:40]}'."
    signed = found["signed"].split(";")
    if not {"host", "x-amz-date"} <= set(signed) or any(name not in request.headers for name in signed):
        return "'Host' and 'X-Amz-Date' must be 'SignedHeaders' in the AWS Authorization, and every signed header sent."
    if found["key"] == ACCESS_KEY and not hmac.compare_digest(_signature(request, found, stamp), found["signature"]):
        return (
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
            "Access Key and signing method. Consult the service documentation for details."
        )
    return None


def _signature(request: HttpRequest, found: re.Match[str], stamp: str) -> str:
    scope = f"{found['date']}/{found['region']}/{found['service']}/aws4_request"
    canonical = hashlib.sha256(_canonical(request, found["signed"]).encode()).hexdigest()
    key = b"AWS4" + SECRET.encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    text = "\n".join(("AWS4-HMAC-SHA256", stamp, scope, canonical))
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _canonical(request: HttpRequest, signed: str) -> str:
    """The request in the one form that is signed: the path is encoded once more than it was sent."""
    payload = request.headers.get("x-amz-content-sha256")
    if payload != "UNSIGNED-PAYLOAD":
        payload = hashlib.sha256(request.body).hexdigest()
    headers = "".join(f"{name}:{' '.join(request.headers[name].split())}\n" for name in signed.split(";"))
    query = "&".join(sorted(request.query.split("&"))) if request.query else ""
    path = quote(request.signed_path, safe="/~")
    return "\n".join((request.method, path, query, headers, signed, payload))
