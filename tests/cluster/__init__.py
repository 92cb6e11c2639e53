"""Spark on a cluster of processes: two workers, Spark Connect, jobs of their own."""
