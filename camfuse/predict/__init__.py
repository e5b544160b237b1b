"""From clips to probabilities, without the trainer."""
