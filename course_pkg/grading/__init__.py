"""Grading a class: safe, fast, and nothing lost.

One submission goes through these modules, in this order:

    collect     files of all students into `submitted/`
    intake      bytes to a notebook; what is broken is repaired or named
    engine, run the student's cells in a walled kernel, the tests in another process, values in between
    record      scores, comments and the executed notebook into nbgrader's gradebook and folders
    feedback    a page for the student
    export      grades for the learning system; a failure is never a zero

`runner` grades many at once, in processes on this machine or on a Dask cluster. `cli` is the command `course`.
nbgrader's files, gradebook and formgrader stay the interface: https://nbgrader.readthedocs.io
"""
