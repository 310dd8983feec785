"""The generated parts of the pages, and the site made of them. It uses the tools, never the other way."""
