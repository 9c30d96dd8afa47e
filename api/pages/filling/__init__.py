"""From what queries return to what templates show. Pure but for the words: no database, no rule of the business."""
