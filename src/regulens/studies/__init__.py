"""One folder a study, one module an artefact of its paper."""
