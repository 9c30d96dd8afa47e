"""Signed monthly statements of a buyer, and the page on which anybody checks one."""
