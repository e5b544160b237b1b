"""What a run is: its stages and fingerprints, where its files lie, its shards and its experiments."""
