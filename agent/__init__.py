"""From a question to an answer: the model, the warehouse, and the steps between them."""
