"""Lists of a seller's dealers: made, corrected, sent, and what became of each line."""
