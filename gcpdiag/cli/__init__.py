"""The command line: commands parse, call one use case, render, and exit with the contract's codes."""
