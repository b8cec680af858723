"""What students get: wheel, notebooks, Kaggle dataset, classroom zip, checksums."""
