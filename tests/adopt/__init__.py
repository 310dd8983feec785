"""final's files in strangers' projects: by the steps of its article, and by ``make adopt``, which tries and repairs."""
