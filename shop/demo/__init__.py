"""The licence-free demo catalogue: invented products, drawn by code as vectors."""
