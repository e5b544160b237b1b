"""`camfuse init`: what a folder of videos holds, what to expect of it, and the config that fits."""
