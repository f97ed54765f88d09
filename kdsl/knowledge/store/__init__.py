"""Documents and their vectors on disk, from a handful to millions; `Store` in `store.py` is the way in."""
