"""The peer in benchmarks of the page: what Streamlit takes for one checkbox and one metric, or to paint many boxes.

`?boxes=62` draws so many checkboxes. Any tick changes the metric.
"""

import streamlit as st

boxes = int(st.query_params.get("boxes", 1))
ticked = sum(st.checkbox(f"box {i}", key=f"box{i}") for i in range(boxes))
st.metric("ticked", ticked)
