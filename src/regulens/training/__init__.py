"""Training and evaluation: assay models, BERT (pre-training and fine-tuning), trials of hybrid networks."""
