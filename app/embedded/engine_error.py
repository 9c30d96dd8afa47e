"""The one error of the engines, said to a person in Chinese or English."""


class EngineError(Exception):
    """A database or doorbell server cannot be used; both texts say what happened, what is safe, and what to do."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.en, self.zh = en, zh

    def render(self, language: str) -> str:
        """The message in `language` ("zh" or "en")."""
        return self.zh if language == "zh" else self.en
