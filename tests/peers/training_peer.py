"""Iterations of training against torch's AdamW in float64."""
import unittest

import common
import models
from recipe import Recipe

RECIPE = Recipe()
ROWS = 10


class TrainingPeer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = models.make_folder("training", std=0.05)
        cls.rows = common.draw_rows(common.random_for("training"), ROWS, common.TMP / "train.csv")
        model = models.load_model(cls.folder)
        optimizer = RECIPE.optimizer(model.parameters())
        cls.theirs = [RECIPE.iterate(model, optimizer, cls.rows, i) for i in range(RECIPE.iterations)]
        if not any(norm > RECIPE.clip for _, norm, _ in cls.theirs):
            raise ValueError("the comparison itself never clips")

    def gaps(self, name, iterations=RECIPE.iterations, ranks=0, **train):
        """Largest relative difference of each figure over the first iterations."""
        config = models.write_config(common.TMP / f"{name}.json", common.TMP / "train.csv",
                                     RECIPE.settings(self.folder, self.rows, max_iters=iterations, **train))
        common.run("trainer", config, "--stages=train", f"--run.out_dir={common.TMP / name}", ranks=ranks)
        records = models.train_records(common.TMP / name)
        self.assertEqual([r["iter"] for r in records], list(range(iterations)))
        gaps = {key: common.largest_gap([r[key] for r in records], [t[i] for t in self.theirs[:iterations]])
                for i, key in enumerate(("loss", "grad_norm", "lr"))}
        common.show(", ".join(f"{key} {gap:.1e}" for key, gap in gaps.items()))
        return gaps

    def check_float32(self, gaps):
        self.assertLess(gaps["loss"], 1e-4, "loss")
        self.assertLess(gaps["grad_norm"], 1e-4, "gradient norm")
        self.assertLess(gaps["lr"], 1e-6, "learning rate")

    def test_ten_iterations(self):
        self.check_float32(self.gaps("ten"))

    def test_ten_iterations_on_two_ranks(self):
        self.check_float32(self.gaps("ranks", ranks=2))

    def check_low_precision(self, dtype, loss_bound, norm_bound):
        gaps = self.gaps(dtype, iterations=3, dtype=dtype)  # few: slow on CPUs that have no such arithmetic
        self.assertLess(gaps["loss"], loss_bound, "loss")
        self.assertLess(gaps["grad_norm"], norm_bound, "gradient norm")
        # Float32 is within 1e-6: closer than this, nothing was computed in low precision.
        self.assertGreater(gaps["loss"], 2e-6, "as near as float32")
        self.assertGreater(gaps["grad_norm"], 1e-5, "as near as float32")

    def test_three_iterations_in_bfloat16(self):
        self.check_low_precision("bfloat16", 2e-3, 5e-2)

    def test_three_iterations_in_float16(self):
        self.check_low_precision("float16", 3e-4, 1e-2)
