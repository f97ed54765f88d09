"""What leaves kdsl: merged adapters, plain model folders, model cards, uploads."""
