"""Model files onto this machine, verified and complete; knows no other part of the kit."""
