"""What a run needs, before it starts: its jobs, bytes and hours, and what is missing."""
