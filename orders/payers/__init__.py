"""What payers are asked to pay of other organizations' purchases."""
