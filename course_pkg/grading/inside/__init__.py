"""What runs inside the walls, beside student code, and the protocol that both sides speak.

Nothing here is secret and nothing here is trusted: student code shares its process with it. It imports only itself,
NumPy, IPython and `course_pkg.checks.text`, so that it can be mounted alone.
"""
