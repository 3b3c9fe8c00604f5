"""Fitted networks of scikit-learn, with the error that it trains them on."""
