"""Comments below a video, and what the platform was told of them."""
