"""Figures: what charts show, as plain dictionaries in the page's colours; no Streamlit."""
