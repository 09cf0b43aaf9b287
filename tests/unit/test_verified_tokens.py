"""The time for which a process caches verified tokens."""

from broker.api.auth.signing_keys import ConfiguredKey
from broker.api.auth.verified_tokens import REMEMBERED_SECONDS, TOKENS_MAX, VerifiedTokens
from broker.domain.grants import Action, Grants
from broker.domain.principal import Principal

ALICE = Principal(user_id=1)
KEYS = ConfiguredKey("secret")
KEY = (None, "secret")


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def test_a_verified_token_is_cached_until_it_expires() -> None:
    clock = Clock()
    tokens = VerifiedTokens(clock)
    tokens.remember("Bearer a", ALICE, clock.now + 60, KEY)
    assert tokens.recall("Bearer a", KEYS) == ALICE
    assert tokens.recall("Bearer b", KEYS) is None
    clock.now += 60
    assert tokens.recall("Bearer a", KEYS) is None


def test_a_long_lived_token_is_verified_again_after_a_while() -> None:
    clock = Clock()
    tokens = VerifiedTokens(clock)
    tokens.remember("Bearer a", ALICE, clock.now + 1e9, KEY)
    clock.now += REMEMBERED_SECONDS
    assert tokens.recall("Bearer a", KEYS) is None


def test_an_expired_token_is_not_cached() -> None:
    clock = Clock()
    tokens = VerifiedTokens(clock)
    tokens.remember("Bearer a", ALICE, clock.now - 1, KEY)
    assert tokens.recall("Bearer a", KEYS) is None


def test_the_oldest_cached_tokens_are_dropped_if_there_are_too_many() -> None:
    clock = Clock()
    tokens = VerifiedTokens(clock)
    for number in range(TOKENS_MAX + 1):
        tokens.remember(f"Bearer {number}", ALICE, clock.now + 60, KEY)
    assert tokens.recall("Bearer 0", KEYS) is None
    assert tokens.recall(f"Bearer {TOKENS_MAX}", KEYS) == ALICE


def granted(*owners: str) -> Principal:
    create = frozenset((Action.CREATE,))
    return Principal(
        user_id=1, grants=Grants({("product_image", owner): create for owner in owners})
    )


def test_each_token_of_a_user_keeps_its_own_grants() -> None:
    clock = Clock()
    tokens = VerifiedTokens(clock)
    tokens.remember("Bearer a", granted("42"), clock.now + 60, KEY)
    tokens.remember("Bearer b", granted("43"), clock.now + 60, KEY)
    tokens.remember("Bearer c", ALICE, clock.now + 60, KEY)
    assert tokens.recall("Bearer a", KEYS) == granted("42")
    assert tokens.recall("Bearer b", KEYS) == granted("43")
    assert tokens.recall("Bearer c", KEYS) == ALICE


def test_fewer_tokens_are_cached_if_they_have_many_grants() -> None:
    clock = Clock()
    tokens = VerifiedTokens(clock)
    many = granted(*map(str, range(100)))
    for number in range(TOKENS_MAX // 50):
        tokens.remember(f"Bearer {number}", many, clock.now + 60, KEY)
    kept = [tokens.recall(f"Bearer {number}", KEYS) for number in range(TOKENS_MAX // 50)]
    assert kept.count(many) == TOKENS_MAX // 51
