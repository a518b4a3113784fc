"""What every file was made from: manifests beside the files, and the way back."""
