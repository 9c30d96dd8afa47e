"""What readers ask the platform to look at, whatever kind of content it is, and what the platform decides."""
