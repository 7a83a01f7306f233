"""The pipeline: one module per phase, and a runner that times and cleans up."""
