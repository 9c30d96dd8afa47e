"""Pages of who pays for whom."""
