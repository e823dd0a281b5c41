"""influxish beside the real server: the same points, the same questions, the same answers."""
