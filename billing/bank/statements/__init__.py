"""Statement files of banks: each format is read into the same value, with a fault for every line that cannot be."""
