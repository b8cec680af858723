"""The exact fast attribution engine behind `hw7.engine.shared_passes`."""
