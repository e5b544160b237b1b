"""Whether what lies in a run's folder is whole and of one piece."""
