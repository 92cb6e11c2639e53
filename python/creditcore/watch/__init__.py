"""Watching a folder: files become refreshes, and what came of them is shown.

`incoming` is the folder, `watcher` the loop, `figures` what it counts, `server` the live page.
"""
