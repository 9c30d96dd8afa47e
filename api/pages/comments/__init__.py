"""Comments below a video."""
