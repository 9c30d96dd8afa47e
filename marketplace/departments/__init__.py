"""An organization's departments (cost centres): whose spending a purchase is."""
