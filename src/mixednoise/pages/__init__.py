"""What all HTML pages have in common: one look, numbers as people read them, pictures as text."""
