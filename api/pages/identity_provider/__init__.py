"""An organization's own sign-in: its settings, the way in, and the platform's word on domains."""
