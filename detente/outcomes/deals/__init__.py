"""Signing a deal: the same case with it and without, what it collides with, and the ways out."""
