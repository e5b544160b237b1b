"""The clip table: one row per clip, read from whatever label files there are, checked, and split into shards."""
