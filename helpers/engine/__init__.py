"""The exact fast attribution engine behind `helpers.gradients`."""
