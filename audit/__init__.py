"""What happened and who vouched for it: the ledger, reviews, checkpoints and their verification."""
