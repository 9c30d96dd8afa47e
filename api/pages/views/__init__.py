"""View models: frozen, plain values, one class per page, naming its own template. Filled by the page handlers."""
