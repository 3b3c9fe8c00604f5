"""Momentum rules, certified training, run folders and the monitor."""
