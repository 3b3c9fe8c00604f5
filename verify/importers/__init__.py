"""Problems from other tools: one folder each, imported only when asked for."""
