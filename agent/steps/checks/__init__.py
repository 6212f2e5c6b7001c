"""The checks, by what they look at: joins, metrics, the question's wording, and the result itself."""
