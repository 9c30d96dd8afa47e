"""The operators' desk of bank transfers."""
