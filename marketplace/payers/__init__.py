"""Who pays for whom: agreements by which one organization pays for what another orders."""
