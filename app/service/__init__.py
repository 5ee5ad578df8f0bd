"""What the page asks for, as plain data: no Streamlit, no formula."""
