"""The page on which the title of an issued invoice is corrected."""
