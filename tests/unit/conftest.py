"""What all fast tests share: none but the long matrix of the probe needs an engine."""

from hypothesis import settings

# Machines that run tests are noisy; a slow example is no failure.
settings.register_profile("seatrial", deadline=None, max_examples=60)
settings.load_profile("seatrial")
