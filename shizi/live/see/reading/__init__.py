"""What a line says: read when it is worth it, voted over its sightings; its badge, its count."""
