"""The history in a PostgreSQL database: of this gateway, or of a whole fleet by way of a broker."""
