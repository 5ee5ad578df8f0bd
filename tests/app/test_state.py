"""What a visit keeps between drawings."""

from streamlit.testing.v1 import AppTest


def test_what_a_field_holds_is_sent_at_each_drawing_of_its_pane():
    """A browser that has put the field away and draws it anew would show it empty otherwise."""

    def drawn() -> None:
        import streamlit as st

        from app import state

        state.keep_values(w_steps=60)
        st.number_input("Steps", value=None, key="w_steps")

    page = AppTest.from_function(drawn).run()
    for _ in range(2):
        field = page.number_input(key="w_steps")
        assert field.proto.set_value and field.value == 60
        page.run()
