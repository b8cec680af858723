"""What ``hw7 doctor`` looks at: packages, machine, models, networks, known faults."""
