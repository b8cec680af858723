"""Small wrong edits, each tried alone: does a test notice?"""
