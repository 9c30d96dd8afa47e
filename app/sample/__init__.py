"""Sample data: everything that `market up` shows on a first visit."""
