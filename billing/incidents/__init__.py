"""Money that a gateway moved after an end, or by itself: booked at once, and a person's until it is closed."""
