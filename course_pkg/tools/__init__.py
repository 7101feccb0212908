"""What is about the book rather than about recurrent networks: how fast the package is, and Matplotlib's colours."""
