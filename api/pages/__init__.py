"""The pages: what a person sees, as templates fed by frozen view models. No business rule and no database here."""
