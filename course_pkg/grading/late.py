"""Points taken off for lateness, from the due date and the time of submission as they are now."""

from nbgrader.preprocessors.latesubmissions import AssignLatePenalties


class Late:
    """nbgrader's own plugin for late submissions, as the course's settings name it."""

    def __init__(self, course):
        self._course, self._rule = course, AssignLatePenalties(config=course.config)
        self._rule.init_plugin()

    def penalize(self, notebook, entry):
        """Set the penalty of one notebook of a submission."""
        notebook.late_submission_penalty = None
        if entry.total_seconds_late > 0:
            taken = self._rule.plugin_inst.late_submission_penalty(
                entry.student.id, notebook.score, entry.total_seconds_late
            )
            if taken is not None:
                notebook.late_submission_penalty = self._rule._check_late_penalty(notebook, taken)

    def refresh(self, gradebook, name):
        """Penalties of an assignment's submissions anew; returns {student: (points before, points now)} that moved."""
        moved, other = {}, False
        for entry in gradebook.assignment_submissions(name):
            if self._course.remembered(entry.student.id, name) is None:
                continue
            before = [notebook.late_submission_penalty or 0.0 for notebook in entry.notebooks]
            when = self._course.timestamp(entry.student.id, name)
            if when is not None and entry.timestamp != when:
                entry.timestamp, other = when, True
            for notebook in entry.notebooks:
                self.penalize(notebook, entry)
            now = [notebook.late_submission_penalty or 0.0 for notebook in entry.notebooks]
            if now != before:
                moved[entry.student.id] = sum(before), sum(now)
        if moved or other:
            gradebook.db.commit()
        else:
            gradebook.db.rollback()
        return moved
