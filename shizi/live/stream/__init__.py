"""Where frames come from: files, streams, the screen; how many are looked at."""
