"""What a run will take, before it begins: `camfuse plan`."""
