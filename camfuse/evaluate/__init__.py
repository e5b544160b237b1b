"""The test: rows and their weights, the result files, tables over several runs."""
