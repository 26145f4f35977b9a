"""Every parameter's gradient, moments and step against torch, in float64."""
import unittest

import torch

import common
import models
import recipe

# A large epsilon: with a small one the first step is the sign of the gradient, which rounding alone decides where the gradient is
# zero, as that of the keys' biases is.
RECIPE = recipe.Recipe(learning_rate=1e-2, warmup=0, iterations=1, eps=1e-3, clip=0)
ROWS = 8


def distance(ours, theirs):
    """Of two tensors, relative to the length of theirs."""
    return ((ours.double() - theirs).norm() / theirs.norm()).item()


class GradientPeer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        """One iteration by both, from the same weights and without clipping."""
        folder = models.make_folder("gradient", std=0.05)
        rows = common.draw_rows(common.random_for("gradient"), ROWS, common.TMP / "gradient.csv")
        config = models.write_config(common.TMP / "gradient.json", common.TMP / "gradient.csv", RECIPE.settings(folder, rows))
        common.run("trainer", config, "--stages=train", f"--run.out_dir={common.TMP / 'gradient-run'}")
        cls.checkpoint = torch.load(common.TMP / "gradient-run/last.pt", weights_only=True)
        cls.model = models.load_model(folder)
        cls.before = {name: p.detach().clone() for name, p in cls.model.named_parameters()}
        RECIPE.iterate(cls.model, RECIPE.optimizer(cls.model.parameters()), rows, 0)
        cls.theirs = dict(cls.model.named_parameters())

    def states(self):
        """(name, the optimizer's state of that parameter) of ours, in the order of the optimizer's numbers."""
        names = recipe.optimizer_names(self.model)
        self.assertEqual(sorted(self.checkpoint["optimizer"]["state"]), list(range(len(names))))
        return [(name, self.checkpoint["optimizer"]["state"][i]) for i, name in enumerate(names)]

    def check(self, what, distances, bound):
        name = max(distances, key=distances.get)
        common.show(f"{what} of {name} {distances[name]:.1e}")
        self.assertLess(distances[name], bound, f"{what} of {name}")

    def test_gradients(self):
        """The first moment after one step is 1 - beta1 of the gradient; a bias of keys, which has none, is part of c_attn.bias."""
        self.check("gradient", {name: distance(state["exp_avg"] / (1 - RECIPE.betas[0]), recipe.as_linear(name, self.theirs[name].grad))
                                for name, state in self.states()}, 1e-5)

    def test_squares_of_gradients(self):
        self.check("squares", {name: distance(state["exp_avg_sq"] / (1 - RECIPE.betas[1]), recipe.as_linear(name, self.theirs[name].grad)**2)
                               for name, state in self.states()}, 1e-5)

    def test_weights_after_a_step(self):
        """By how much a step changes them: that is small against the weights, so that a comparison of these alone could not fail."""
        ours = self.checkpoint["model"]
        self.assertEqual(set(ours), {*self.theirs, "lm_head.weight"})
        self.check("change", {name: distance(ours[name] - recipe.as_linear(name, self.before[name]),
                                             recipe.as_linear(name, theirs.detach() - self.before[name]))
                              for name, theirs in self.theirs.items()}, 1e-4)
