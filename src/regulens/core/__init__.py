"""What every other room uses: files, tables, settings, statistics, sequences; knows nothing of models or studies."""
