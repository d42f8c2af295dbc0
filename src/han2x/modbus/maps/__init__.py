"""The register maps, a module each; `catalogue` names them, so that only those in use are imported."""
