"""Bases that several kinds of clause share, between ``contract.term`` and the kinds themselves (``terms``)."""
