"""The engines of the comparison with Python interfaces: `python -m engines NAME MODEL predict|train BATCH THREADS ANSWERS`."""
