"""Payment methods that gateways keep for organizations: what may be charged again, also when nobody is there."""
