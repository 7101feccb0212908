"""NumPy recurrent networks for the course Recurrent Networks, Unrolled.

The modules are imported by name (`from course_pkg import cells`); nothing is imported here, so that
a page or a test pays only for what it uses.
"""

__version__ = "0.1.0"
