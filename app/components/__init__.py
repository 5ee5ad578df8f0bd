"""Parts of the page that Streamlit does not have: written in plain JavaScript, mounted by a Python wrapper each."""
