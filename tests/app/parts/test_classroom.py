import pytest
from streamlit.testing.v1 import AppTest

from app.parts import classroom
from app.service import class_table
from app.service.class_entry import ClassEntry
from app.service.classes import ClassSettings
from app.service.lessons import BY_KEY
from app.text import Words
from tests.app.conftest import QUICK_S


@pytest.mark.parametrize(
    ("seen_at", "allowed", "address", "reached"),
    [
        ("http://127.0.0.1:8501", ["127.0.0.1", "10.1.2.3"], "http://10.1.2.3:8501", True),
        ("http://127.0.0.1:8501", ["127.0.0.1"], "http://127.0.0.1:8501", False),
        ("http://127.0.0.2:8501", ["127.0.0.2"], "http://127.0.0.2:8501", False),
        ("http://[::1]:8501", ["::1", "10.1.2.3"], "http://10.1.2.3:8501", True),
        ("http://10.1.2.3:8501", ["127.0.0.1"], "http://10.1.2.3:8501", True),
        ("https://class.example", [], "https://class.example", True),
    ],
)
def test_a_class_is_given_an_address_that_others_reach_or_told_that_there_is_none(
    monkeypatch, seen_at, allowed, address, reached
):
    monkeypatch.setattr(classroom.state, "base_address", lambda: seen_at)
    monkeypatch.setattr(classroom, "local_address", lambda: "10.1.2.3")
    monkeypatch.setattr(classroom.st, "get_option", {"server.allowedHosts": allowed}.get)
    assert classroom._address() == (address, reached)


def test_a_teacher_reads_accuracies_as_the_students_do():
    text = class_table.value_text(BY_KEY["enough"], Words("ja"))
    assert [text(value) for value in (0.9525, 0.91, 0.0975)] == ["0.953", "0.910", "0.098"]


def test_a_name_that_a_classmate_has_does_not_stay_in_the_field_as_if_it_counted(monkeypatch):
    def page():
        from app import state
        from app.parts import classroom, show_errors

        state.begin()
        show_errors.left_behind(state.words())
        classroom.nickname_field(state.words())

    monkeypatch.setattr(classroom.state, "visitor", lambda: "this browser")
    token = classroom.shared().open()
    classroom.shared().note(token, ClassEntry("Mia", classroom.JOINED, "", ()), "another browser")
    drawn = AppTest.from_function(page, default_timeout=QUICK_S)
    drawn.query_params.update({"class": token, "lang": "en"})
    drawn.run().text_input(key="w_nickname").set_value("Mia").run()
    assert not drawn.exception and "Mia" in drawn.error[0].value
    assert drawn.text_input(key="w_nickname").value == ""
    drawn.text_input(key="w_nickname").set_value("Mia K").run()
    assert not drawn.error and classroom.shared().present(token) == 2
    drawn.text_input(key="w_nickname").set_value("Mia L").run()
    assert classroom.shared().present(token) == 2, "a name that was mistyped is no third person"
    classroom.shared().note(token, ClassEntry("Mia L", "enough", "head", ()), "this browser")
    drawn.text_input(key="w_nickname").set_value("Mia Lee").run()
    assert classroom.shared().present(token) == 2, "nor is one that is corrected after an answer"
    assert [entry.nickname for entry in classroom.shared().entries(token)] == ["Mia Lee"]
    drawn.button(key="another_person").click().run()
    assert drawn.text_input(key="w_nickname").value == "" and "lesson_enough" not in drawn.session_state
    drawn.text_input(key="w_nickname").set_value("Noa").run()
    assert classroom.shared().present(token) == 3, "who has answered stays, though another sits down at the same screen"
    drawn.text_input(key="w_nickname").set_value("Mia Lee").run()
    assert classroom.shared().present(token) == 3 and drawn.session_state["lesson_enough"]["guess"] == "head"


def test_who_comes_late_sees_what_the_class_guessed_after_guessing(monkeypatch):
    def page():
        from app import state
        from app.parts import classroom
        from app.service.lessons import BY_KEY

        state.begin()
        classroom.nickname_field(state.words())
        classroom.revealed(BY_KEY["enough"])

    monkeypatch.setattr(classroom.state, "visitor", lambda: "this browser")
    monkeypatch.setattr(classroom, "_charts", lambda entries, *about: classroom.st.text(f"{len(entries)} charted"))
    token = classroom.shared().open()
    classroom.shared().note(token, ClassEntry("Mia", "enough", "head", ()), "another browser")
    classroom.shared().change(token, ClassSettings(revealed=frozenset({"enough"}), teacher="the teacher's"))
    late = AppTest.from_function(page, default_timeout=QUICK_S)
    late.query_params.update({"class": token, "lang": "en"})
    assert Words("en")("class.guess_first") in late.run().caption[0].value and not late.text
    classroom.shared().note(token, ClassEntry("Noa", "enough", "all", ()), "this browser")
    assert [text.value for text in late.run().text] == ["2 charted"]


def test_whoever_has_lost_a_classs_link_is_led_back(monkeypatch):
    def page():
        from app import state
        from app.parts import classroom

        state.begin()
        classroom.nickname_field(state.words())
        classroom.classroom(state.words())

    monkeypatch.setattr(classroom.state, "visitor", lambda: "a browser that joined")
    monkeypatch.setattr(classroom.state, "owner", lambda: "a browser that leads")
    token = classroom.shared().open(teacher="a browser that leads")
    drawn = AppTest.from_function(page, default_timeout=QUICK_S)
    drawn.query_params["lang"] = "en"
    assert "back_to_class" not in [button.key for button in drawn.run().button]
    classroom.shared().note(token, ClassEntry("Mia", classroom.JOINED, "", ()), "a browser that joined")
    drawn.run().button(key="back_to_class").click().run()
    assert drawn.text_input(key="w_nickname").value == "Mia"
    again = AppTest.from_function(page, default_timeout=QUICK_S)
    again.query_params["lang"] = "en"
    again.run().button(key=f"open_class_{token}").click().run()
    assert not again.exception and again.session_state["link"]["klass"] == token


@pytest.mark.parametrize(("query", "said"), [({"class": "nonsense"}, True), ({}, False)])
def test_a_teacher_whose_class_has_ended_is_told(query, said):
    def page():
        from app import state
        from app.parts import classroom

        state.begin()
        classroom.classroom(state.words())

    drawn = AppTest.from_function(page, default_timeout=QUICK_S)
    drawn.query_params.update({"lang": "en", **query})
    drawn.run()
    assert not drawn.exception
    assert [warning.value for warning in drawn.warning] == [Words("en")("class.gone_here")] * said
