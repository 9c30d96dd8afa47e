"""A video is sent on: its link, and who sent it."""
