"""Engines of the comparison that Python runs: `python -m engines NAME MODEL predict|train BATCH THREADS ANSWERS`."""
