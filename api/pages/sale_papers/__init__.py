"""The page on which receipts and pro-forma invoices are downloaded."""
