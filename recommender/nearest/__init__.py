"""All vector SQL: nobody else compares vectors."""
