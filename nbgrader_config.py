"""nbgrader's settings. Stock commands work from here: `nbgrader generate_assignment 07-lstm --force`, and so on."""

c = get_config()  # noqa: F821  (nbgrader provides it)

c.CourseDirectory.course_id = "recurrent-networks-unrolled"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "exercises"

# What students find where a solution was. The error names what to do; the checks recognise its type.
c.ClearSolutions.code_stub = {
    "python": '# YOUR CODE HERE\nraise NotImplementedError("write this function, then take this line out")'
}

# A cell that needs longer than this, in seconds, counts as stuck.
c.Execute.timeout = 60
