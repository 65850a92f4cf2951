"""Drawings as SVG: lines, bars, scales and strips, with their axes; they know no page."""
