"""How a submission can end. These words stand in the gradebook's comments and in exported files, in every language."""

GRADED, REPAIRED, ATTENTION, UNREADABLE = "graded", "graded after repair", "needs attention", "unreadable"
NOT_SUBMITTED, NOT_GRADED, BY_NBGRADER = "not submitted", "not graded yet", "graded by nbgrader"
