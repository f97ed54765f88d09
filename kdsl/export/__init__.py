"""Export of fitted models: merged adapters, plain model folders, model cards, uploads."""
