"""What the clips come from: a module per source, named as its config key, each with one `ENTRY`."""
