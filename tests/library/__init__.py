"""What the tools and the tests are made of: the tutorial, Dockerfiles, builds, images, running services, practices."""
