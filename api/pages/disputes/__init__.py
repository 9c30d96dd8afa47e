"""Pages of disputed payments: the buyer's, a seller's, the operator's."""
