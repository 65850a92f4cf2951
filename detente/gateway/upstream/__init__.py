"""The pooled HTTP/1.1 client to the providers (design §7).

Owns: connections, their pools, framing and deadlines. It knows origins, heads and bytes. Not here: which provider
(``choose``), what a reply means (``providers``), and what happens after a failure (``relay``).
"""

from detente.gateway.upstream.client import Upstream
from detente.gateway.upstream.error import UpstreamError
from detente.gateway.upstream.incoming_reply import WHOLE, Incoming, Patience

__all__ = ["WHOLE", "Incoming", "Patience", "Upstream", "UpstreamError"]
