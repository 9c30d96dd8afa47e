"""Accounts of parties at a gateway that pays them: opened once, followed as the gateway tells, and held where it says so."""
