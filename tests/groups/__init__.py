"""Finding groups: what a made-up graph holds, what detection finds in it, what it says of it."""
