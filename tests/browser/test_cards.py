"""Review cards in the page: by keyboard alone, with dates that outlive the page until the reader says so."""

import pytest

pytestmark = pytest.mark.browser
KEPT = "JSON.parse(localStorage.getItem('course-cards'))"


def test_cards_of_today_are_answered_by_keyboard_and_come_back(browser, site_url):
    context = browser.new_context()
    page = context.new_page()
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.clock.install(time="2026-03-01T12:00:00")
    page.goto(f"{site_url}/cards.html")
    review = page.get_by_role("region", name="Review")
    said = review.get_by_role("status")
    assert said.inner_text().startswith("10 cards for today. 0 of ")
    whole = page.locator(".flashcard").count()
    page.get_by_role("button", name="Begin").press("Enter")
    for word in ("Again", "Good", "Good"):
        assert page.evaluate("document.activeElement.textContent") == "Show the answer"
        assert not review.locator(".flashcard-answer").is_visible()
        page.keyboard.press("Enter")
        assert review.locator(".flashcard-answer").is_visible()
        assert page.evaluate("document.activeElement.dataset.grade") == "Good"
        review.get_by_role("button", name=word).press("Enter")
    assert said.inner_text().startswith("8 cards for today. 3 of ")
    page.get_by_role("button", name="Stop").click()
    assert page.locator(".flashcard").count() == whole
    assert page.evaluate(f"Object.values({KEPT}.cards).map((card) => card.wait)") == [0, 1, 1]
    page.clock.set_fixed_time("2026-03-02T08:00:00")
    page.reload()
    assert said.inner_text().startswith("13 cards for today. 3 of ")
    review.get_by_label("Chapters 1 to").select_option("1")
    assert said.inner_text().startswith("6 cards for today. 3 of 6 ")
    page.reload()
    assert said.inner_text().startswith("6 cards for today. 3 of 6 ")
    page.get_by_role("button", name="Forget all dates").click()
    assert said.inner_text().startswith("6 cards for today. 0 of 6 ")
    assert not errors
    context.close()


def test_without_a_script_a_card_is_a_question_and_a_closed_answer(browser, site_url):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site_url}/cards.html")
    card = page.locator(".flashcard").first
    assert not card.locator(".flashcard-answer").is_visible()
    card.locator("summary").click()
    assert card.locator(".flashcard-answer").is_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the deck for Anki").click()
    assert download.value.suggested_filename == "recurrent-networks-unrolled.apkg"
    context.close()
