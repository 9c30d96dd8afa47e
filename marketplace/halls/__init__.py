"""Exhibition halls (云展会) and launches: booths of exhibitors, an agenda, visitors with badges, and what came of them."""
