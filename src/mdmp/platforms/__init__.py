"""OS facts as tables, each with its source. Nothing is read before the first question."""
