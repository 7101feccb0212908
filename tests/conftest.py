"""Settings shared by all tests."""

from hypothesis import settings

# No deadline: the first call of PyTorch takes half a second, and machines that run tests are busy.
settings.register_profile("course", deadline=None, max_examples=40, print_blob=True)
settings.load_profile("course")
