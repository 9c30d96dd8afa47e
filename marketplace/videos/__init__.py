"""Videos: what is posted on a channel, and the examination of its media."""
