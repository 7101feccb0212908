"""Predictions in a browser: by keyboard, mouse and finger, kept for the next visit, and gone when they are cleared."""

import json

import pytest

pytestmark = pytest.mark.browser

BOX = ".admonition.predict"
KEPT = "localStorage.getItem('course-predictions 07-lstm')"


def test_a_number_moves_the_figure_says_the_gap_and_is_kept(visit):
    """With the keyboard alone; the figure's slider stands where the question asked."""
    page = visit("05-bptt", reduced_motion="reduce")
    box = page.locator(BOX).nth(1)
    answer = page.locator(f"{BOX} + details").nth(1)
    field = box.get_by_label("Your number")
    field.focus()
    page.keyboard.type("nothing")
    page.keyboard.press("Enter")
    assert "Write a number" in box.inner_text()
    field.fill("1,5")
    page.keyboard.press("Enter")
    said = box.locator(".prediction-said")
    assert said.inner_text().startswith("Figure 5.2 shows: 2.49. Your number is 0.994 less.")
    assert page.locator("[data-number='5.2'] input[data-name=start] + output").inner_text() == "2.5"
    assert answer.evaluate("e => e.open")
    page.reload(wait_until="networkidle")
    assert page.locator(BOX).nth(1).locator(".prediction-said").inner_text().startswith("Figure 5.2 shows: 2.49.")
    assert not answer.evaluate("e => e.open")


def test_the_answer_opens_when_the_last_question_of_a_box_is_answered(visit):
    """Then the summary names what to read again; answers can be copied and cleared."""
    page = visit("07-lstm", permissions=["clipboard-read", "clipboard-write"])
    box, answer = page.locator(BOX).nth(2), page.locator(f"{BOX} + details").nth(2)
    forms = box.locator("form.prediction")
    for k, choice in enumerate(("the LSTM", "the bias", "Yes")):
        assert not answer.evaluate("e => e.open")
        forms.nth(k).get_by_label(choice, exact=True).check()
        forms.nth(k).get_by_role("button", name="This is my prediction").click()
    assert answer.evaluate("e => e.open")
    end = page.locator(".prediction-summary")
    assert "You have answered 3 of" in end.inner_text()
    assert end.get_by_role("link").all_inner_texts() == ["Figure 7.3"]
    end.get_by_role("button", name="Copy").click()
    end.get_by_role("button", name="Copied").wait_for()
    assert "I said: the LSTM\n  The figure shows: the plain RNN" in page.evaluate("navigator.clipboard.readText()")
    assert len(json.loads(page.evaluate(KEPT))) == 3
    page.once("dialog", lambda dialog: dialog.accept())
    end.get_by_role("button", name="Clear").click()
    assert page.evaluate(KEPT) is None
    assert not end.is_visible()
    assert forms.nth(0).get_by_label("the LSTM").is_enabled()


def test_a_line_is_drawn_with_the_arrow_keys_and_stands_beside_the_true_one(visit):
    page = visit("07-lstm", reduced_motion="reduce")
    form = page.locator("form.prediction.draw").first
    ready = form.get_by_role("button", name="This is my line")
    assert ready.is_disabled()
    form.get_by_role("slider").focus()
    for _ in range(10):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+ArrowRight")
    assert form.get_by_role("slider").get_attribute("aria-valuetext").startswith("time step 5: ")
    for _ in range(9):
        page.keyboard.press("Shift+ArrowUp")
    ready.click()
    assert "of the height away" in form.locator(".prediction-said").inner_text()
    shown = page.locator("[data-number='7.1'] svg text").all_text_contents()
    assert {"your line", "cell state c"} <= set(shown)
    form.get_by_role("button", name="Answer again").click()
    assert "your line" not in page.locator("[data-number='7.1'] svg text").all_text_contents()


def test_a_finger_draws_on_a_phone(visit):
    """The page does not scroll under it, and is no wider than the phone."""
    page = visit("07-lstm", viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    pad = page.locator(".prediction-pad").first
    pad.scroll_into_view_if_needed()
    frame, before = pad.bounding_box(), page.evaluate("scrollY")
    touch = page.context.new_cdp_session(page)
    for kind, x, y in (("Start", 60, 40), ("Move", 120, 60), ("Move", 240, 150), ("Move", 240, 150), ("End", 0, 0)):
        points = [] if kind == "End" else [{"x": frame["x"] + x, "y": frame["y"] + y}]
        page.wait_for_timeout(150)  # no hand is faster; after a fling a browser takes the next tap for its end
        touch.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points})
    assert page.evaluate("scrollY") == before
    page.get_by_role("button", name="This is my line").first.tap()
    page.locator("form.prediction.draw .prediction-said", has_text="of the height away").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_without_javascript_and_on_paper_a_box_is_a_text_with_questions(visit):
    page = visit("07-lstm", java_script_enabled=False)
    assert page.locator("form.prediction").count() == 0
    plain = page.locator(BOX).first.inner_text()
    assert "how many steps pass" in plain
    page = visit("07-lstm")
    assert page.locator("form.prediction").first.is_visible()
    page.emulate_media(media="print")
    assert page.locator(BOX).first.inner_text() == plain
