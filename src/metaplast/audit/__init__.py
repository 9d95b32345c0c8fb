"""The audit: which biological constraints a learner respects, and on what evidence."""
