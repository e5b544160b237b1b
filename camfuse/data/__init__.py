"""From shards to tensors: frame sampling, augmentation, the dataset."""
