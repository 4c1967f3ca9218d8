"""What the intent classifier learns from: nothing leaks, noise is where it is said to be."""

from collections import defaultdict

import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.naive_bayes import MultinomialNB

from training import catalogue
from training.datasets import DEFAULT_SEED, Dataset
from training.intent_classifier import data
from training.intent_classifier.data import Example, deal_templates
from training.intent_classifier.phrases import INTENTS
from training.templates import canonical

SEEDS = [DEFAULT_SEED, *(pytest.param(seed, marks=pytest.mark.long) for seed in (1, 7))]


@pytest.fixture(scope="module")
def dataset() -> Dataset[Example]:
    return data.generated(8_000)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_template_is_in_two_splits(seed: int) -> None:
    homes = defaultdict(set)
    for split, intents in deal_templates(seed).items():
        for intent, groups in intents.items():
            for template in (t for group in groups for t in group):
                homes[canonical(template)].add((split, intent))
    assert len(homes) > 2_000
    assert [t for t, places in homes.items() if len(places) > 1] == []


@pytest.mark.parametrize("seed", SEEDS)
def test_every_intent_is_tested_with_templates_of_its_own(seed: int) -> None:
    dealt = deal_templates(seed)
    for intent in INTENTS:
        for split in ("train", "val", "test"):
            assert dealt[split][intent], f"{intent} has no template in {split}"


@pytest.mark.parametrize("seed", SEEDS)
def test_no_sentence_of_the_test_split_is_in_training(seed: int) -> None:
    found = data.generated(6_000, seed)
    # Digits fold to one, so "₹50 lakh" and "₹51 lakh" would count as the same sentence.
    trained = {canonical(row.text) for row in found.train}
    asked = [row for row in [*found.val, *found.test] if canonical(row.text) in trained]
    assert asked == []
    assert {row.template for row in found.train}.isdisjoint(row.template for row in found.test)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_validation_query_is_in_the_data(seed: int) -> None:
    found = data.generated(6_000, seed)
    queries = {canonical(q) for q in catalogue.validation_texts("intent_classifier", "query")}
    assert "where is my money going" in queries
    rows = [*found.train, *found.val, *found.test]
    assert [row.text for row in rows if canonical(row.text) in queries] == []


def test_noise_of_the_stated_amount_is_in_training_only(dataset: Dataset[Example]) -> None:
    owner = {
        template: intent
        for intents in deal_templates(DEFAULT_SEED).values()
        for intent, groups in intents.items()
        for group in groups
        for template in group
    }
    wrong = {
        name: sum(owner[row.template] != row.intent for row in getattr(dataset, name))
        for name in ("train", "val", "test")
    }
    assert wrong["train"] == round(data.LABEL_NOISE * len(dataset.train))
    assert wrong["val"] == wrong["test"] == 0


def test_the_seed_decides_everything() -> None:
    first, again, other = (data.generated(2_000, seed).sha256 for seed in (5, 5, 6))
    assert first == again
    assert first != other


def test_the_data_is_indian_code_mixed_and_mistyped(dataset: Dataset[Example]) -> None:
    text = "\n".join(row.text for row in dataset.train)
    for word in ("₹", "lakh", "crore", "SIP", "emi", "cibil", "kitna", "plz"):
        assert word in text, f"{word} is missing"


def test_counting_words_misses_the_bar() -> None:
    found = data.generated()
    counts = CountVectorizer()
    careless = MultinomialNB().fit(
        counts.fit_transform([row.text for row in found.train]),
        [row.intent for row in found.train],
    )
    accuracy = careless.score(
        counts.transform([row.text for row in found.test]), [row.intent for row in found.test]
    )
    assert 0.80 < accuracy < 0.97, "too easy, or no longer the task that it was"
