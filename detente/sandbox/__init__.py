"""The sandbox: serves every provider of a case on loopback, faithful on the wire.

::

    async with Sandbox(case.declared) as sandbox:       # in a loop that runs
        there = redirected(case.declared.deployments, sandbox.addresses)

    run(case.declared, port=9000, ready=show)           # or for good, until interrupted

    with beside(case.declared) as addresses:            # or in a process of its own
        ...

One port for each (provider, region) that a deployment draws on, and one for control. ``redirected`` points deployments
at it; ``environment`` holds the variables that their credentials then refer to. A deployment's answers follow from its
prompt and the seed; ``docs/providers/sandbox.md`` says how.

Names are imported when they are asked for: the servers need uvicorn, the redirection does not.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from detente.sandbox.addresses import Addresses, environment, redirected
    from detente.sandbox.process import beside
    from detente.sandbox.server import Sandbox, SandboxError, run

__all__ = ["Addresses", "Sandbox", "SandboxError", "beside", "environment", "redirected", "run"]

_WHERE = {"Addresses": "addresses", "beside": "process", "environment": "addresses", "redirected": "addresses"}


def __getattr__(name: str) -> Any:
    """A public name, from its module."""
    if name not in __all__:
        raise AttributeError(f"module `{__name__}` has no `{name}`")
    return getattr(import_module(f"{__name__}.{_WHERE.get(name, 'server')}"), name)
