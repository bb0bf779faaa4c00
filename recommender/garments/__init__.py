"""Say what a picture shows of a garment."""
