"""What is said of it, in French and English: figures, causes, explanations, and what codes mean."""
