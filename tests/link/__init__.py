"""Linking: identifiers, components, networks and their changes."""
