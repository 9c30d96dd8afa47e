"""Courses: watched by members, followed by their administrators, put together by their sellers."""
