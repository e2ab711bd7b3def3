"""What each distribution route reads and writes."""
