"""A market that has lived: the sample market's past, made through the product's own verbs under a clock of its own."""
