"""The model being asked: one `openai` client for every provider, the embedded server, prompts and grammar."""
