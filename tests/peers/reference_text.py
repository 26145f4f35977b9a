"""Texts of transformers' generate, and which other texts are ties of theirs."""
import torch
from transformers import LogitsProcessor, LogitsProcessorList

import models

# Float32 moves our scores by about 1e-5 against those of float64.
NOISE = 5e-5
ATTEMPTS = 20


class Noise(LogitsProcessor):
    """Moves each score by a random amount of at most NOISE."""

    def __init__(self, seed):
        self.generator = torch.Generator().manual_seed(seed)

    def __call__(self, input_ids, scores):
        return scores + (torch.rand(scores.shape, generator=self.generator, dtype=scores.dtype) * 2 - 1) * NOISE


class Reference:
    """transformers' generate, in float64, one prompt at a time."""

    def __init__(self, model, new_tokens, ends=None):
        self.model, self.new_tokens, self.ends = model, new_tokens, ends or [models.end_of_text()]

    def ids(self, prompt, noise=None, **settings):
        with torch.inference_mode():
            ids = self.model.generate(torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
                                      do_sample=False, max_new_tokens=self.new_tokens, pad_token_id=models.end_of_text(), eos_token_id=self.ends,
                                      logits_processor=LogitsProcessorList([noise] if noise else []), **settings)
        return ids[0, len(prompt):].tolist()

    def text(self, prompt, **settings):
        return models.text_of(self.ids(prompt, **settings), self.ends)

    def may_say(self, prompt, text, **settings):
        """Whether the reference writes this text, or would if each of its scores were another by at most NOISE.

        So a text passes as a tie only where it follows from choices between scores that differ by less than 1e-4: a token of a
        greedy text, and in a beam search any of the choices on the way as well as the last one, between whole texts, whose scores
        then differ by less than 1e-4 a token.
        """
        return (self.text(prompt, **settings) == text
                or any(self.text(prompt, noise=Noise(seed), **settings) == text for seed in range(ATTEMPTS)))
