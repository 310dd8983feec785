"""The pages: what is generated in them, what is asked of them, and the site. It uses the tools, never the other way."""
