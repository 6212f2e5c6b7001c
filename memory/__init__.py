"""What is known: the warehouse's catalog, the business's meanings, and the questions already vouched for."""
