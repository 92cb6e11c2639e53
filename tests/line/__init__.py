"""The whole line: what a configuration says, done with records."""
