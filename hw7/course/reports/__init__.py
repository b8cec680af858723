"""What instructors and students get of the marks: gradebook, feedback, exports, item analysis."""
