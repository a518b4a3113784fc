"""From public files to stores of training examples."""
